#include "smlp/train/run_batches.hpp"

#include <algorithm>

#include "smlp/batches/feature_batches.hpp"
#include "smlp/batches/image_batches.hpp"
#include "smlp/train/run_cost.hpp"

namespace smlp {

RunBatches::RunBatches(Experiment& experiment, const std::filesystem::path& folder)
    : experiment_(experiment) {
  if (experiment.keeps_features()) features_.emplace(folder);
}

// Those of the evaluations too, before there is a progress bar of the training.
bool RunBatches::prepare() {
  if (!features_) return true;
  for (const Part part : {Part::train, Part::test, Part::holdout})
    if (experiment_.images_of(part).dataset && !features_->features(experiment_, part)) return false;
  return true;
}

std::shared_ptr<const BatchSource> training_images(const Experiment& e, bool resident) {
  return std::make_shared<TrainImages>(e.train_set, e.subset.train,
                                       RenderOptions{.normalization = e.normalization,
                                                     .image_size = e.image_size(),
                                                     .batch_size = e.plan.batch_size,
                                                     .permute_pixels = e.config.data.permute_pixels,
                                                     .resident = resident},
                                       TrainImagesOptions{.augment = e.config.augment,
                                                          .seed = e.seed(),
                                                          .window = e.window_images(),
                                                          .rank = e.world->rank(),
                                                          .world = e.world->size()});
}

std::shared_ptr<const BatchSource> RunBatches::training() {
  const Experiment& e = experiment_;
  if (!features_) return training_images(e, memory_need(e).images > 0);
  const SampleOrder order(e.plan.images, e.window_images(), e.seed());
  return std::make_shared<FeatureBatches>(features_->features(experiment_, Part::train), e.train_set,
                                          e.subset.train, e.plan.batch_size, order);
}

std::optional<EvaluationResult> RunBatches::evaluate(Part part) {
  Experiment& e = experiment_;
  const PartImages images = e.images_of(part);
  if (!images.dataset) return std::nullopt;
  const EvaluationOptions options{.image_size = e.image_size(),
                                  .batch_size = std::min<std::int64_t>(e.plan.micro_batch, 1024),
                                  .workers = e.workers(),
                                  .prefetch = static_cast<int>(e.config.data.prefetch),
                                  .permute_pixels = e.config.data.permute_pixels};
  if (!features_)
    return smlp::evaluate(*e.model, e.device, images.dataset, *images.chosen, e.normalization, options);
  const auto features = features_->features(e, part);
  if (!features) return std::nullopt;
  const auto source = std::make_shared<FeatureBatches>(features, images.dataset, *images.chosen,
                                                       options.batch_size, std::nullopt);
  return smlp::evaluate(*e.model, e.device, source, source->steps(), images.dataset->classes(), options);
}

}  // namespace smlp
