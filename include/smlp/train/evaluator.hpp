#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "smlp/data/dataset.hpp"
#include "smlp/device/device.hpp"
#include "smlp/models/model.hpp"

namespace smlp {

struct EvaluationOptions {
  int image_size = 64;
  std::int64_t batch_size = 512;
  int workers = 1;
  int prefetch = 2;
  bool keep_logits = false;
};

struct EvaluationResult {
  std::int64_t images = 0;
  double loss = 0;                 // mean cross entropy, without label smoothing
  double top1 = 0;                 // %
  double top5 = 0;                 // %; of all classes when there are fewer than five
  std::vector<double> class_top1;  // %, NaN for a class without images
  torch::Tensor logits;            // [N, classes] float32 on the host, when kept
};

// The model in evaluation mode over the images named by `indices` (empty: all), whole and resized, in order.
// Restores the model's mode. nullopt when a stop signal came in between.
std::optional<EvaluationResult> evaluate(Model& model, const Device& device,
                                         std::shared_ptr<const Dataset> dataset,
                                         const std::vector<std::int64_t>& indices,
                                         const ChannelStatistics& normalization,
                                         const EvaluationOptions& options);

}  // namespace smlp
