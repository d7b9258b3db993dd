#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "smlp/data/dataset.hpp"
#include "smlp/data/real_labels.hpp"
#include "smlp/device/device.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

class BatchSource;  // batches/batch.hpp
class Model;        // nn/model.hpp

struct EvaluationOptions {
  int image_size = 64;
  std::int64_t batch_size = 512;
  int workers = 1;
  int prefetch = 2;
  bool keep_logits = false;
  bool keep_predictions = false;
  const RealLabels* real = nullptr;              // of every image of the data set, in its order
  std::optional<std::int64_t> permute_pixels{};  // see Renderer
  DataConfig::Resident resident = DataConfig::Resident::automatic;  // where many crops are seen of each image
};

// The five classes a model thinks likeliest, or all when there are fewer.
struct Predictions {
  std::size_t per_image = 0;          // 5, or fewer
  std::vector<std::int64_t> classes;  // [N, per_image], likeliest first
  std::vector<float> probabilities;   // [N, per_image]
};

struct EvaluationResult {
  std::int64_t images = 0;
  double loss = 0;                 // mean cross entropy, without label smoothing
  double top1 = 0;                 // %
  double top5 = 0;                 // %; see has_top5()
  std::vector<double> class_top1;  // %, NaN for a class without images
  std::optional<double> real;      // %: ReaL's accuracy, of the images that have such labels
  std::vector<float> logits;       // [N, classes], when kept
  Predictions predictions;         // when kept

  bool has_top5() const { return class_top1.size() > 5; }  // of fewer classes it says nothing
};

// The model in evaluation mode over the batches [0, steps) of a source. Restores the model's mode. nullopt
// when a stop signal came in between.
std::optional<EvaluationResult> evaluate(Model& model, const Device& device,
                                         std::shared_ptr<const BatchSource> source, std::int64_t steps,
                                         int classes, const EvaluationOptions& options);

// The model in evaluation mode over the images named by `indices` (empty: all), whole and resized, in order.
std::optional<EvaluationResult> evaluate(Model& model, const Device& device,
                                         std::shared_ptr<const Dataset> dataset,
                                         const std::vector<std::int64_t>& indices,
                                         const ChannelStatistics& normalization,
                                         const EvaluationOptions& options);

}  // namespace smlp
