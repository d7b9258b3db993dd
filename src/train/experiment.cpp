#include "smlp/train/experiment.hpp"

#include <algorithm>
#include <utility>

#include "smlp/batches/device_renderer.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/rng.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/data/split_names.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/training_step.hpp"

namespace smlp {
namespace {

// A root that is itself a split has none: it would be trained and tested on.
bool has_test_split(const std::string& root) {
  const PackPlace pack = find_pack(root);
  return root == "shapes" || std::any_of(pack.splits.begin(), pack.splits.end(), [&](const fs::path& split) {
           return split != pack.root && packed_split(split_name(split)) == "test";
         });
}

std::shared_ptr<const Dataset> open_test_set(const DataConfig& config) {
  if (has_test_split(config.root)) return open_dataset(config.root, "test");
  if (config.subset.holdout > 0) return nullptr;
  fail(ErrorKind::data, "\"{}\" has no test split to evaluate on; pack one, or set data.holdout",
       config.root);
}

// Where weights are loaded, the body's replace what is drawn here, and the head's may.
std::shared_ptr<Model> draw_model(const RunConfig& config, int classes) {
  RandomStream stream(static_cast<std::uint64_t>(config.run.seed),
                      config.init.from ? Purpose::new_head : Purpose::init);
  torch::manual_seed(stream.next64());
  return build_model(config.model, static_cast<int>(config.data.image_size), classes);
}

void check_deviations(const ChannelStatistics& normalization, const Dataset& images) {
  for (std::size_t c = 0; c < normalization.std.size(); ++c)
    if (!(normalization.std[c] > 0))
      fail(ErrorKind::data,
           "{}: channel {} has the same value in all pixels, so that its deviation is {}: set "
           "data.normalize to a family, or data.mean and data.std",
           images.description(), c, normalization.std[c]);
}

// Normalisation and workers, and config.resolved. `before`: what the run that goes on resolved.
void resolve_data(Experiment& e, RunConfig& config, const std::optional<ResolvedConfig>& before) {
  const DataConfig data = before ? as_resolved(config.data, *before) : config.data;
  const DatasetInfo& images = e.train_set->info();
  e.normalization = resolve_normalization(data, images);
  check_deviations(e.normalization, *e.train_set);
  const bool as_now = resolve_normalization(config.data, images).mean == e.normalization.mean;
  e.normalization_from = as_now ? normalization_source(config.data, images) : "as the run began";
  config.resolved = {e.device.is_cuda() ? DeviceType::cuda : DeviceType::cpu, e.device.precision,
                     resolve_workers(data, e.device), e.normalization.mean, e.normalization.std};
}

void tell_resolved_anew(const RunConfig& config, const ResolvedConfig& before) {
  const std::string news = resolved_anew(config, before, *config.resolved);
  if (!news.empty()) log().info("{}", news);
}

StepPlan make_plan(const Experiment& e) {
  const TrainConfig& train = e.config.train;
  StepPlan plan{.images = std::ssize(e.subset.train), .epochs = train.epochs, .batch_size = train.batch_size};
  plan.micro_batch = train.micro_batch == 0 ? plan.batch_size : std::min(train.micro_batch, plan.batch_size);
  if (e.solves_head()) plan.epochs = 1, plan.batch_size = plan.images;
  return plan;
}

void check_resident(const DataConfig& data, const Dataset& set, torch::Device device) {
  if (data.resident != DataConfig::Resident::on || renders_on(device, set.image_size())) return;
  fail(ErrorKind::usage,
       "data.resident is on, but batches are rendered on the host here: a device keeps images with CUDA, "
       "device.kernels fused, and images of up to 1,024 pixels a side; auto keeps them where it can");
}

}  // namespace

bool Experiment::body_frozen() const {
  if (model) return only_head(trained, *model);
  return std::ranges::any_of(config.optim->groups, [](const auto& group) { return group.freeze; });
}

bool Experiment::keeps_features() const {
  const AugmentConfig& augment = config.augment;
  const bool augmented = augment.crop || augment.flip > 0 || augment.mixup > 0;
  return !augmented && config.data.cache_features && body_frozen();
}

PartImages Experiment::images_of(Part part) const {
  static const std::vector<std::int64_t> all;
  if (part == Part::test) return {test_set, &all};
  if (part == Part::train) return {train_set, &subset.train};
  return {subset.holdout.empty() ? nullptr : train_set, &subset.holdout};
}

std::vector<CostRow> Experiment::costs() const {
  return config.model->costs(image_size(), train_set->classes());
}

std::int64_t Experiment::window_images() const {
  if (config.data.order == DataConfig::Order::random) return 0;
  const std::int64_t side = train_set->image_size();
  return std::max<std::int64_t>(2, (config.data.window_mib << 20) / (side * side * 3));
}

ScheduleSpan Experiment::schedule_span(const StepPlan& of) const {
  return {.total_steps = of.total_steps(),
          .steps_per_epoch = static_cast<double>(of.images) / static_cast<double>(of.batch_size),
          .lr = config.optim->lr};
}

double Experiment::rate_at(std::int64_t step, const StepPlan& of) const {
  return config.optim->lr * config.schedule->factor(step, schedule_span(of));
}

Experiment plan_experiment(RunConfig config, std::shared_ptr<World> world, Resolve resolve) {
  Experiment e;
  e.world = std::move(world);
  const std::optional<ResolvedConfig> before = std::exchange(config.resolved, std::nullopt);
  const std::optional<ResolvedConfig> kept = resolve == Resolve::as_before ? before : std::nullopt;
  e.device = open_device(kept ? as_resolved(config.device, *kept) : config.device);
  refuse_other_data(config.data.root);
  e.train_set = open_dataset(config.data.root, "train");
  e.test_set = open_test_set(config.data);
  if (e.train_set->classes() < 2)
    fail(ErrorKind::data, "{}: its images are of one class, and a classifier is of two or more",
         e.train_set->description());
  if (e.test_set && e.test_set->fingerprint() == e.train_set->fingerprint())
    log().warn("{} holds the images of {}: what is measured on them was trained on",
               e.test_set->description(), e.train_set->description());
  check_resident(config.data, *e.train_set, e.device.torch);
  if (e.test_set)
    check_same_classes({e.train_set->info().classes, e.train_set->description()},
                       {e.test_set->info().classes, e.test_set->description()});
  e.subset = choose_subset(*e.train_set, config.data.subset, static_cast<std::uint64_t>(config.run.seed));
  resolve_data(e, config, kept);
  if (before && !kept) tell_resolved_anew(config, *before);
  if (config.train.method == TrainConfig::Method::ridge) config.train.epochs = 1;
  e.config = std::move(config);
  e.plan = make_plan(e);
  return e;
}

void build_model(Experiment& e) {
  e.model = draw_model(e.config, e.train_set->classes());
  e.model->to(e.device.torch);
  e.trained = group_parameters(*e.model, *e.config.optim.config);
  if (e.solves_head() && (e.config.train.ema > 0 || e.config.train.skip_zscore > 0))
    fail(ErrorKind::usage,
         "train.method ridge takes one step: there is nothing for train.ema to average or train.skip_zscore "
         "to "
         "compare");
  if (e.solves_head() && !e.keeps_features())
    fail(
        ErrorKind::usage,
        "train.method ridge solves for the head over features that stay the same: it needs a frozen body, no "
        "augmentation and data.cache_features, as probe_ridge.yaml has them");
}

Experiment make_experiment(RunConfig config, std::shared_ptr<World> world, Resolve resolve) {
  Experiment e = plan_experiment(std::move(config), std::move(world), resolve);
  build_model(e);
  return e;
}

}  // namespace smlp
