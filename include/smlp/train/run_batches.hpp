#pragma once
#include <filesystem>
#include <memory>
#include <optional>

#include "smlp/batches/batch.hpp"
#include "smlp/train/evaluator.hpp"
#include "smlp/train/features.hpp"

namespace smlp {

// The stream of a run's training images, which a device that renders them keeps where they are `resident`; of
// the experiment it needs data and plan, neither device nor model.
std::shared_ptr<const BatchSource> training_images(const Experiment& experiment, bool resident = false);

// Where the batches of a run come from: its images, or, where the body stays as it is and nothing is
// augmented, features that are computed once.
class RunBatches {
 public:
  // Features are kept in `folder` for as long as this lives.
  RunBatches(Experiment& experiment, const std::filesystem::path& folder);

  // Computes the features, if they are kept; false when a stop signal came.
  bool prepare();

  // The training's stream of batches. After prepare().
  std::shared_ptr<const BatchSource> training();

  // The model over a part's images. nullopt when the part has none, or a stop signal came.
  std::optional<EvaluationResult> evaluate(Part part);

  FeatureCache* features() { return features_ ? &*features_ : nullptr; }  // null: they are not kept

 private:
  Experiment& experiment_;
  std::optional<FeatureCache> features_;
};

}  // namespace smlp
