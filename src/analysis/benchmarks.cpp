#include "smlp/analysis/benchmarks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bench_subject.hpp"
#include "smlp/batches/image_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/stopwatch.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/device/memory.hpp"
#include "smlp/optim/clip.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/experiment.hpp"
#include "smlp/train/resident_images.hpp"
#include "smlp/train/training_step.hpp"

namespace smlp {
namespace {

// Products of the forward pass and both gradients, but for the input's, which nobody needs.
double step_macs(const std::vector<CostRow>& costs) {
  return static_cast<double>(3 * total(costs).macs - costs.front().macs);
}

double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return std::lerp(sorted[low], sorted[high], at - std::floor(at));
}

TrainingStep make_step(const RunConfig& config, const Subject& subject) {
  if (config.train.method == TrainConfig::Method::ridge)
    fail(ErrorKind::usage, "train.method: ridge solves for the head without steps; there is none to time");
  return {subject.model,
          config.optim->build(group_parameters(*subject.model, *config.optim.config)),
          subject.device,
          {.label_smoothing = config.loss.label_smoothing,
           .clip_norm = config.optim->clip_norm,
           .micro_batch = config.train.micro_batch}};
}

std::shared_ptr<const Dataset> open_set(const RunConfig& config, const char* split) {
  refuse_other_data(config.data.root);
  return open_dataset(config.data.root, split);
}

RenderOptions rendering(const RunConfig& config, const Dataset& set, const Device& device) {
  constexpr double wanted = std::numeric_limits<double>::infinity();
  return {resolve_normalization(config.data, set.info()), static_cast<int>(config.data.image_size),
          config.train.batch_size, config.data.permute_pixels,
          resident_bytes(config.data.resident, set, wanted, device.torch, /*others=*/0) > 0};
}

std::shared_ptr<TrainImages> training_images(const RunConfig& config,
                                             const std::shared_ptr<const Dataset>& set,
                                             const Device& device) {
  return std::make_shared<TrainImages>(set, choose_subset(*set, config.data.subset, 0).train,
                                       rendering(config, *set, device),
                                       TrainImagesOptions{.augment = config.augment, .seed = 0});
}

// Of the same model in the same sizes.
BenchRow retimed(BenchRow row, const char* kind, const Device& device, const Timing& timing) {
  row.kind = kind;
  row.images_per_s *= row.batch_seconds / timing.seconds;
  row.batch_seconds = timing.seconds;
  row.spread = timing.spread;
  row.memory = anonymous_memory_peak();
  row.device_memory = device_memory_peak(device.torch);
  return row;
}

BenchRow loader_row(const RunConfig& config, const BenchOptions& options,
                    const std::shared_ptr<const Dataset>& set, const Device& device) {
  const int workers = static_cast<int>(resolve_workers(config.data, device));
  BatchLoader loader(training_images(config, set, device), 0, std::int64_t{1} << 40, workers,
                     static_cast<int>(config.data.prefetch), device.torch);
  torch::Tensor images;
  const Timing timing =
      time_calls([&] { images = loader.next().images; }, [&] { wait_for(images); }, options);
  BenchRow row = make_row("loader", config, options, device, timing);
  row.model = set->description();
  row.classes = set->classes();
  row.precision = "fp32";
  row.threads = workers > 0 ? workers : device.threads;
  return row;
}

}  // namespace

Timing summarize(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const double median = quantile(seconds, 0.5);
  return {median, (quantile(seconds, 0.75) - quantile(seconds, 0.25)) / median};
}

Timing time_calls(const std::function<void()>& work, const std::function<void()>& wait,
                  const BenchOptions& options) {
  const auto timed = [&](int calls) {
    const Stopwatch watch;
    for (int i = 0; i < calls; ++i) {
      if (stop_signal() != 0) throw Interrupted("the benchmark was stopped by a signal");
      work();
    }
    wait();
    return watch.seconds() / calls;
  };
  const Stopwatch warming;
  double one = timed(1);
  for (int i = 0; i < 2 || warming.seconds() < options.repeat_seconds; ++i) one = timed(1);
  const int calls = std::max(1, static_cast<int>(std::ceil(options.repeat_seconds / one)));
  std::vector<double> repeats;
  for (int i = 0; i < std::max(1, options.repeats); ++i) repeats.push_back(timed(calls));
  return summarize(std::move(repeats));
}

BenchRow bench_step(const RunConfig& config, const BenchOptions& options) {
  const Subject subject = make_subject(config, options);
  TrainingStep step = make_step(config, subject);
  std::int64_t steps = 0;
  torch::Tensor last;
  const auto work = [&] {
    const auto sums = step(subject.batch, steps++, 1.0);
    if (sums) last = sums->loss;
  };
  const Timing timing = time_calls(
      work, [&] { wait_for(last); }, options);
  const double parameters = static_cast<double>(total(subject.costs).parameters);
  return model_row("step", config, options, subject, timing, step_macs(subject.costs),
                   optimizer_bytes(config, parameters));
}

BenchRow bench_optimizer(const RunConfig& config, const BenchOptions& options) {
  const Subject subject = make_subject(config, options);
  const auto optimizer = config.optim->build(group_parameters(*subject.model, *config.optim.config));
  for (const Parameter& each : optimizer->parameters())
    torch::Tensor(each.value).mutable_grad() = torch::randn_like(each.value);
  const torch::Tensor one = torch::ones({}, subject.batch.images.options());
  const auto work = [&] {
    const torch::Tensor norm = global_grad_norm(optimizer->parameters());
    optimizer->step(step_inputs(one, norm, config.optim->clip_norm, one));
  };
  const Timing timing = time_calls(
      work, [&] { wait_for(optimizer->parameters().front().value); }, options);
  const double parameters = static_cast<double>(total(subject.costs).parameters);
  BenchRow row =
      model_row("optimizer", config, options, subject, timing, 0, optimizer_bytes(config, parameters));
  row.batch_size = 1;
  row.images_per_s = 1 / timing.seconds;
  return row;
}

BenchRow bench_forward(const RunConfig& config, const BenchOptions& options) {
  const Subject subject = make_subject(config, options);
  subject.model->eval();
  const torch::NoGradGuard no_grad;
  torch::Tensor logits;
  const auto work = [&] {
    const AutocastScope autocast(subject.device);
    logits = subject.model->forward(subject.batch.images);
  };
  const Timing timing = time_calls(
      work, [&] { wait_for(logits); }, options);
  return model_row("forward", config, options, subject, timing,
                   static_cast<double>(total(subject.costs).macs), 0);
}

BenchRow bench_loader(const RunConfig& config, const BenchOptions& options) {
  const Device device = open_device(config.device);
  return loader_row(config, options, open_set(config, "train"), device);
}

std::vector<BenchRow> bench_epoch(const RunConfig& config, BenchOptions options) {
  const auto set = open_set(config, "train");
  options.classes = set->classes();
  const BenchRow step_alone = bench_step(config, options);
  const Subject subject = make_subject(config, options);
  const BenchRow loader_alone = loader_row(config, options, set, subject.device);
  TrainingStep step = make_step(config, subject);
  BatchLoader loader(training_images(config, set, subject.device), 0, std::int64_t{1} << 40,
                     static_cast<int>(resolve_workers(config.data, subject.device)),
                     static_cast<int>(config.data.prefetch), subject.device.torch, step.image_type());
  std::int64_t steps = 0;
  torch::Tensor last;
  const auto work = [&] {
    const auto sums = step(loader.next(), steps++, 1.0);
    if (sums) last = sums->loss;
  };
  const Timing timing = time_calls(
      work, [&] { wait_for(last); }, options);
  BenchRow row = retimed(step_alone, "epoch", subject.device, timing);
  row.of_limit = (step_alone.batch_seconds + loader_alone.batch_seconds) / row.batch_seconds;
  return {step_alone, loader_alone, row};
}

std::vector<BenchRow> bench_tta(const RunConfig& config, BenchOptions options) {
  const auto set = open_set(config, "test");
  options.classes = set->classes();
  const BenchRow forward = bench_forward(config, options);
  const Subject subject = make_subject(config, options);
  subject.model->eval();
  const torch::NoGradGuard no_grad;
  const auto source = std::make_shared<CropImages>(set, rendering(config, *set, subject.device),
                                                   config.augment, std::int64_t{1} << 20, 0);
  BatchLoader loader(source, 0, source->steps(),
                     static_cast<int>(resolve_workers(config.data, subject.device)),
                     static_cast<int>(config.data.prefetch), subject.device.torch);
  torch::Tensor sum;
  const auto work = [&] {
    const Batch batch = loader.next();
    const AutocastScope autocast(subject.device);
    const torch::Tensor logits = subject.model->forward(batch.images).to(torch::kFloat32);
    sum = sum.defined() ? sum + logits : logits;
  };
  const Timing timing = time_calls(
      work, [&] { wait_for(sum); }, options);
  BenchRow row = retimed(forward, "tta", subject.device, timing);
  row.of_limit = forward.batch_seconds / row.batch_seconds;
  return {forward, row};
}

}  // namespace smlp
