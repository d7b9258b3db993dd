#include "image_stream.hpp"

#include <algorithm>
#include <limits>

#include "smlp/batches/image_batches.hpp"
#include "smlp/core/error.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/resolve.hpp"
#include "smlp/train/run_batches.hpp"

namespace smlp {
namespace {

class Rank : public World {
 public:
  Rank(std::int64_t rank, std::int64_t size) : rank_(static_cast<int>(rank)), size_(static_cast<int>(size)) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }

 private:
  int rank_, size_;
};

Part part_of(const std::string& name) {
  for (const auto& [part, known] :
       {std::pair(Part::train, "train"), std::pair(Part::holdout, "holdout"), std::pair(Part::test, "test")})
    if (name == known) return part;
  fail(ErrorKind::usage, "\"{}\" is no part of a run's images; there are train, holdout and test", name);
}

// What find_config() takes; all else is the root of a data set.
bool names_config(const std::string& source) {
  const std::vector<std::string> shipped = shipped_configs();
  const auto named = [&](const std::string& name) {
    return std::ranges::find(shipped, name) != shipped.end();
  };
  const PathKind kind = kind_of_path(source);
  return kind == PathKind::run || kind == PathKind::checkpoint || kind == PathKind::configuration ||
         kind == PathKind::file || named(source) || named(source + ".yaml") || source.ends_with(".yaml");
}

}  // namespace

RunConfig config_of(const std::string& source, const std::vector<std::string>& settings) {
  const std::string place = expand_home(source);
  std::vector<ConfigNode> overrides;
  for (const std::string& each : settings) overrides.push_back(parse_override(each));
  if (names_config(place)) return load_run_config(place, std::move(overrides));
  overrides.push_back(make_override("data.root", place, "the data's root"));
  return load_run_config(std::nullopt, std::move(overrides));
}

ImageStream::ImageStream(const std::string& source, const std::vector<std::string>& settings,
                         const std::string& part, torch::Device device, std::int64_t rank, std::int64_t world)
    : part_(part_of(part)), device_(device) {
  Experiment& e = experiment_;
  e.config = config_of(source, settings);
  e.world = std::make_shared<Rank>(rank, world);
  e.device.torch = device;
  e.train_set = open_dataset(e.config.data.root, "train");
  if (part_ == Part::test) e.test_set = open_dataset(e.config.data.root, "test");
  e.subset = choose_subset(*e.train_set, e.config.data.subset, e.seed());
  e.normalization = resolve_normalization(e.config.data, e.train_set->info());
  e.config.resolved = {e.device.is_cuda() ? DeviceType::cuda : DeviceType::cpu, e.device.precision,
                       resolve_workers(e.config.data, e.device), e.normalization.mean, e.normalization.std};
  e.plan = {.images = std::ssize(e.subset.train),
            .epochs = std::numeric_limits<std::int32_t>::max(),
            .batch_size = e.config.train.batch_size,
            .micro_batch = e.config.train.batch_size};
  open_source();
}

void ImageStream::open_source() {
  const Experiment& e = experiment_;
  if (part_ == Part::train) {
    source_ = training_images(e, e.config.data.resident == DataConfig::Resident::on);
    last_step_ = std::numeric_limits<std::int64_t>::max();
    return;
  }
  if (e.world->size() != 1)
    fail(ErrorKind::usage,
         "ranks share the training images alone: leave rank and world out for an evaluation");
  const PartImages images = e.images_of(part_);
  if (!images.dataset) fail(ErrorKind::usage, "no images are held out: set data.holdout");
  const auto source = std::make_shared<EvaluationImages>(
      images.dataset, *images.chosen,
      RenderOptions{e.normalization, e.image_size(), e.plan.batch_size, e.config.data.permute_pixels});
  last_step_ = source->steps();
  source_ = source;
}

ImageStream::Tensors ImageStream::next() {
  if (!loader_)
    loader_ = std::make_unique<BatchLoader>(
        source_, step_, last_step_,
        static_cast<int>(resolve_workers(experiment_.config.data, experiment_.device)),
        static_cast<int>(experiment_.config.data.prefetch), device_);
  const Batch batch = loader_->next();
  ++step_;
  const auto given = [](const torch::Tensor& t) { return t.defined() ? std::optional(t) : std::nullopt; };
  return {batch.images, batch.labels, given(batch.partners), given(batch.lambda)};
}

void ImageStream::seek(std::int64_t step) {
  if (step < 0 || step > last_step_) fail(ErrorKind::usage, "step {}: there is no such batch", step);
  if (step == step_) return;
  loader_.reset();
  step_ = step;
}

std::int64_t ImageStream::step_of_epoch(std::int64_t epoch) const {
  return part_ == Part::train ? experiment_.plan.step_of_epoch(epoch) : last_step_;
}

std::int64_t ImageStream::epochs_at(std::int64_t step) const {
  return part_ == Part::train ? experiment_.plan.epochs_at(step) : step / last_step_;
}

std::int64_t ImageStream::images() const {
  const PartImages images = experiment_.images_of(part_);
  return images.chosen->empty() ? images.dataset->size() : std::ssize(*images.chosen);
}

std::vector<std::string> ImageStream::classes() const {
  return experiment_.train_set->info().classes;
}

}  // namespace smlp
