#include "smlp/train/experiment.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/core/rng.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/data/sample_order.hpp"

namespace smlp {
namespace {

// A root that is itself a split has none: it would be trained and tested on.
bool has_test_split(const std::string& root) {
  const PackPlace pack = find_pack(root);
  return root == "shapes" || std::any_of(pack.splits.begin(), pack.splits.end(), [&](const fs::path& split) {
           return split != pack.root && (split_name(split) == "test" || split_name(split) == "val");
         });
}

std::shared_ptr<const Dataset> open_test_set(const DataConfig& config) {
  if (has_test_split(config.root)) return open_dataset(config.root, "test");
  if (config.subset.holdout > 0) return nullptr;
  fail(ErrorKind::data, "\"{}\" has no test split to evaluate on; pack one, or set data.holdout",
       config.root);
}

std::shared_ptr<Model> build_model(const RunConfig& config, int classes) {
  RandomStream stream(static_cast<std::uint64_t>(config.run.seed), Purpose::init);
  torch::manual_seed(stream.next64());
  return config.model->build(static_cast<int>(config.data.image_size), classes);
}

std::string sizes_text(const RunConfig& config) {
  std::vector<std::string> sizes;
  for (const KeyRow& row : config.rows())
    for (const std::string key : {"depth", "width"})
      if (row.path == "model." + key) sizes.push_back(key + " " + row.value);
  return fmt::format("{}", fmt::join(sizes, ", "));
}

std::int64_t micro_batch(const TrainConfig& train) {
  return train.micro_batch == 0 ? train.batch_size : std::min(train.micro_batch, train.batch_size);
}

}  // namespace

bool Experiment::body_frozen() const {
  return std::all_of(trained.begin(), trained.end(),
                     [&](const Parameter& p) { return p.name.starts_with(model->head_prefix()); });
}

bool Experiment::keeps_features() const {
  const AugmentConfig& augment = config.augment;
  const bool augmented = augment.crop || augment.flip > 0 || augment.mixup > 0;
  return !augmented && config.data.cache_features && body_frozen();
}

std::int64_t Experiment::images_per_step() const {
  return solves_head() ? train_images() : config.train.batch_size;
}

std::int64_t Experiment::step_of_epoch(std::int64_t epoch) const {
  return (epoch * train_images() + images_per_step() - 1) / images_per_step();
}

std::int64_t Experiment::total_steps() const {
  return step_of_epoch(config.train.epochs);
}

std::int64_t Experiment::epochs_at(std::int64_t step) const {
  return std::min(step * images_per_step() / train_images(), config.train.epochs);
}

std::int64_t Experiment::window_images() const {
  if (config.data.order == DataConfig::Order::random) return 0;
  const std::int64_t side = train_set->image_size();
  return std::max<std::int64_t>(2, (config.data.window_mib << 20) / (side * side * 3));
}

Experiment make_experiment(RunConfig config) {
  Experiment e;
  e.device = open_device(config.device);
  e.train_set = open_dataset(config.data.root, "train");
  e.test_set = open_test_set(config.data);
  if (e.test_set)
    check_same_classes({e.train_set->info().classes, e.train_set->description()},
                       {e.test_set->info().classes, e.test_set->description()});
  e.subset = choose_subset(*e.train_set, config.data.subset, static_cast<std::uint64_t>(config.run.seed));
  e.normalization = resolve_normalization(config.data, e.train_set->info());
  if (config.train.method == TrainConfig::Method::ridge) config.train.epochs = 1;
  config.data.mean = e.normalization.mean;
  config.data.std = e.normalization.std;
  config.device.type = e.device.is_cuda() ? DeviceType::cuda : DeviceType::cpu;
  config.device.precision = e.device.precision;
  config.data.workers = resolve_workers(config.data, e.device);
  e.model = build_model(config, e.train_set->classes());
  e.model->to(e.device.torch);
  e.trained = group_parameters(*e.model, *config.optim.config);
  e.config = std::move(config);
  if (e.solves_head() && !e.keeps_features())
    fail(
        ErrorKind::usage,
        "train.method ridge solves for the head over features that stay the same: it needs a frozen body, no "
        "augmentation and data.cache_features, as probe_ridge.yaml has them");
  return e;
}

namespace {

// "" when the order is uniform; else how far from that it is.
std::string describe_order(const Experiment& e) {
  const SampleOrder order(e.train_images(), e.window_images(), static_cast<std::uint64_t>(e.config.run.seed));
  if (!order.windowed()) return "";
  return fmt::format(
      "\norder      windowed, {} MiB ({} images): they move {:.1f} % as far as in a full shuffle; a window's "
      "labels "
      "differ from the set's by {:.2f} (0: as mixed as the whole, 1: classes lie apart)",
      e.config.data.window_mib, e.window_images(), 100 * order.spread(0),
      label_distance(*e.train_set, e.subset.train, e.window_images()));
}

// How it is trained, and for how long.
std::string describe_training(const Experiment& e) {
  const RunConfig& c = e.config;
  if (e.solves_head())
    return "method     ridge: the head in one step, the penalty chosen by leaving each training image out";
  const bool split = micro_batch(c.train) < c.train.batch_size;
  return fmt::format(
      "optimiser  {}, lr {:g}, {} (warm-up {} steps), batch {}{}\n"
      "length     {} epochs, {} steps{}",
      c.optim.name, c.optim->lr, c.schedule.name, c.schedule->warmup_steps, c.train.batch_size,
      split ? fmt::format(" in micro-batches of {}", micro_batch(c.train)) : "", c.train.epochs,
      e.total_steps(), describe_order(e));
}

// Multiply-adds of a whole training: three times the forward pass of what is trained, once that of a frozen
// body, for each image only once when its features are kept.
double training_macs(const Experiment& e, double images) {
  double head = 0, body = 0;
  for (const CostRow& row : e.model->costs())
    ((row.layer + ".").starts_with(e.model->head_prefix()) ? head : body) += static_cast<double>(row.macs);
  if (e.keeps_features())
    return body * static_cast<double>(e.train_images()) + (e.solves_head() ? 0 : 3 * head * images);
  return (e.body_frozen() ? body : 3 * body) * images + 3 * head * images;
}

}  // namespace

std::string describe(const Experiment& e) {
  const CostRow cost = total(e.model->costs());
  const RunConfig& c = e.config;
  std::string data = fmt::format("{}: {} training images", e.train_set->description(), e.train_images());
  if (!e.subset.holdout.empty()) data += fmt::format(", {} held out", e.subset.holdout.size());
  if (e.test_set) data += fmt::format(", {} test", e.test_set->size());
  return fmt::format(
      "model      {} ({}) at {}x{}, {} parameters, {} MACs an image\n"
      "data       {}, {} classes, {}x{}\n"
      "device     {}\n"
      "precision  {}\n"
      "{}",
      c.model.name, sizes_text(c), c.data.image_size, c.data.image_size,
      human_count(static_cast<double>(cost.parameters)), human_count(static_cast<double>(cost.macs)), data,
      e.train_set->classes(), e.train_set->image_size(), e.train_set->image_size(), e.device.description,
      precision_name(e.device.precision), describe_training(e));
}

std::string describe_cost(const Experiment& e) {
  const CostRow cost = total(e.model->costs());
  const TrainConfig& train = e.config.train;
  const double images = static_cast<double>(e.total_steps()) * static_cast<double>(e.images_per_step());
  double gradients = 0, states = 0;
  for (const Parameter& parameter : e.trained) gradients += static_cast<double>(parameter.value.nbytes());
  for (const auto& [parameter, tensors] : e.config.optim->build(e.trained)->state())
    for (const auto& [name, tensor] : tensors) states += static_cast<double>(tensor.nbytes());
  const double weights = 4.0 * static_cast<double>(cost.parameters);
  const double side = static_cast<double>(e.config.data.image_size);
  const double batch = 3 * side * side * sizeof(float) * static_cast<double>(train.batch_size);
  // Logits, their logarithms of softmax, and the gradient of these.
  const double outputs = 3.0 * sizeof(float) * static_cast<double>(e.train_set->classes());
  const double activations = ((e.body_frozen() ? 0 : static_cast<double>(cost.saved_bytes)) + outputs) *
                             static_cast<double>(micro_batch(train));
  const double on_device = e.device.is_cuda() ? 2 * batch : 0;  // the next one is copied while one is used
  const double on_host = batch * static_cast<double>(1 + e.config.data.workers * e.config.data.prefetch);
  return fmt::format(
      "images     {} ({} steps of {})\n"
      "compute    {} MACs forward an image, {} MACs to train\n"
      "memory     {} on the device (weights {}, gradients {}, optimiser {}, activations {}, batches {}), {} "
      "of batches on the host",
      human_count(images), e.total_steps(), e.images_per_step(), human_count(static_cast<double>(cost.macs)),
      human_count(training_macs(e, images)),
      human_bytes(weights + gradients + states + activations + on_device), human_bytes(weights),
      human_bytes(gradients), human_bytes(states), human_bytes(activations), human_bytes(on_device),
      human_bytes(on_host));
}

}  // namespace smlp
