#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "smlp/data/augment.hpp"
#include "smlp/train/evaluator.hpp"

namespace smlp {

struct TtaOptions {
  std::int64_t crops = 100;
  AugmentConfig augment;         // crop and flip; MixUp is no part of it
  bool average_softmax = false;  // probabilities (the published code), or logits (the paper's text)
  std::uint64_t seed = 0;
};

struct TtaResult {
  std::int64_t crops = 0;
  EvaluationResult result;
};

// Test-time augmentation: the outputs for random crops of every image, drawn by (seed, crop, image), averaged
// over the first 1, 2, 5, 10, 20, 50, … and over all of them. Memory holds one batch of images and their
// summed outputs. Logits and predictions are kept of the last row only; those logits are the averaged outputs
// (of probabilities: their logarithms). nullopt when a stop signal came in between.
std::optional<std::vector<TtaResult>> evaluate_crops(Model& model, const Device& device,
                                                     std::shared_ptr<const Dataset> dataset,
                                                     const ChannelStatistics& normalization,
                                                     const EvaluationOptions& options, const TtaOptions& tta);

// 1, 2, 5, 10, 20, 50, … below `crops`, and `crops`.
std::vector<std::int64_t> crop_marks(std::int64_t crops);

}  // namespace smlp
