#include "smlp/analysis/benchmarks.hpp"

#include <sys/mman.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "smlp/batches/image_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/stopwatch.hpp"
#include "smlp/core/version.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/device/capability.hpp"
#include "smlp/device/memory.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/experiment.hpp"
#include "smlp/train/training_step.hpp"

namespace smlp {
namespace {

// A device and a model as a run would have them, on random images.
struct Subject {
  Device device;
  std::shared_ptr<Model> model;
  std::vector<CostRow> costs;
  Batch batch;
};

Subject make_subject(const RunConfig& config, const BenchOptions& options) {
  const int image_size = static_cast<int>(config.data.image_size),
            classes = static_cast<int>(options.classes);
  Subject s{.device = open_device(config.device),
            .model = {},
            .costs = config.model->costs(image_size, classes),
            .batch = {}};
  torch::manual_seed(0);
  s.model = build_model(config.model, image_size, classes);
  s.model->to(s.device.torch);
  const std::int64_t images = config.train.batch_size;
  s.batch.images = torch::randn({images, 3, image_size, image_size}).to(s.device.torch);
  s.batch.labels = torch::randint(classes, {images}).to(s.device.torch);
  if (config.augment.mixup > 0) {
    s.batch.partners = s.batch.labels.roll(1);
    s.batch.lambda = torch::tensor(0.75f).to(s.device.torch);
  }
  return s;
}

void wait_for(const torch::Tensor& tensor) {
  if (tensor.defined()) tensor.flatten()[0].item();
}

// `calls` in a row, so that waiting for a device counts little.
double best_rate(double amount, int calls, const std::function<torch::Tensor()>& work) {
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    const Stopwatch watch;
    for (int k = 1; k < calls; ++k) work();
    wait_for(work());
    if (i > 0) best = std::max(best, calls * amount / watch.seconds());
  }
  return best;
}

// Memory that goes back to the system at once, so that the next row's does not hold it.
torch::Tensor passing_floats(std::int64_t count, const Device& device) {
  if (device.is_cuda()) return torch::zeros({count}, torch::TensorOptions().device(device.torch));
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return torch::from_blob(memory, {count}, [bytes](void* mapped) { ::munmap(mapped, bytes); }).zero_();
}

MachineRates measure_rates(const Device& device) {
  const std::int64_t side = device.is_cuda() ? 8192 : 2048,
                     floats = std::int64_t{device.is_cuda() ? 256 : 64} << 20;
  const int calls = device.is_cuda() ? 10 : 1;
  const auto options = torch::TensorOptions().device(device.torch);
  const torch::Tensor a = torch::randn({side, side}, options), b = torch::randn({side, side}, options);
  const torch::Tensor from = passing_floats(floats, device), to = passing_floats(floats, device);
  const auto type = device.precision == Precision::bf16 ? torch::kBFloat16 : torch::kFloat32;
  const torch::Tensor left = a.to(type), right = b.to(type);
  return {.matrix_flops = best_rate(2.0 * side * side * side, calls, [&] { return left.mm(right); }),
          .copy_bytes =
              best_rate(2.0 * floats * sizeof(float), calls, [&] { return torch::Tensor(to).copy_(from); })};
}

// Products of the forward pass and both gradients, but for the input's, which nobody needs.
double step_macs(const std::vector<CostRow>& costs) {
  return static_cast<double>(3 * total(costs).macs - costs.front().macs);
}

// Parameters and state are read and written, gradients read, and read once more for their norm.
double optimizer_bytes(const RunConfig& config, double parameters) {
  const double values =
      2.0 * static_cast<double>(1 + config.optim->state_values()) + 1 + (config.optim->clip_norm > 0);
  return sizeof(float) * values * parameters;
}

std::string model_text(const RunConfig& config) {
  return fmt::format("{} ({})", config.model.name, config.model->sizes());
}

BenchRow make_row(std::string kind, const RunConfig& config, const BenchOptions& options,
                  const Device& device, const Timing& timing) {
  const double images = static_cast<double>(config.train.batch_size);
  return {.kind = std::move(kind),
          .precision = precision_name(device.precision),
          .processor = device.is_cuda() ? device.description : cpu_capability().name,
          .revision = git_revision(),
          .threads = device.threads,
          .batch_size = config.train.batch_size,
          .image_size = config.data.image_size,
          .images_per_s = images / timing.seconds,
          .repeats = options.repeats,
          .spread = timing.spread,
          .batch_seconds = timing.seconds,
          .memory = anonymous_memory_peak(),
          .device_memory = device_memory_peak(device.torch)};
}

// With what the model is, and the time its `macs` an image and `bytes` a batch take at the machine's rates.
BenchRow model_row(std::string kind, const RunConfig& config, const BenchOptions& options,
                   const Subject& subject, const Timing& timing, double macs, double bytes) {
  BenchRow row = make_row(std::move(kind), config, options, subject.device, timing);
  const CostRow model = total(subject.costs);
  row.model = model_text(config);
  row.classes = options.classes;
  row.parameters = model.parameters;
  row.macs = model.macs;
  row.machine = measure_rates(subject.device);
  const double limit = 2 * macs * static_cast<double>(row.batch_size) / row.machine.matrix_flops +
                       bytes / row.machine.copy_bytes;
  row.of_limit = limit / timing.seconds;
  return row;
}

double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return std::lerp(sorted[low], sorted[high], at - std::floor(at));
}

}  // namespace

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
  std::sort(repeats.begin(), repeats.end());
  const double median = quantile(repeats, 0.5);
  return {median, (quantile(repeats, 0.75) - quantile(repeats, 0.25)) / median};
}

BenchRow bench_step(const RunConfig& config, const BenchOptions& options) {
  if (config.train.method == TrainConfig::Method::ridge)
    fail(ErrorKind::usage, "train.method: ridge solves for the head without steps; there is none to time");
  const Subject subject = make_subject(config, options);
  TrainingStep step(subject.model,
                    config.optim->build(group_parameters(*subject.model, *config.optim.config)),
                    subject.device,
                    {.label_smoothing = config.loss.label_smoothing,
                     .clip_norm = config.optim->clip_norm,
                     .micro_batch = config.train.micro_batch});
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
  refuse_other_data(config.data.root);
  const auto set = open_dataset(config.data.root, "train");
  const auto source = std::make_shared<TrainImages>(
      set, choose_subset(*set, config.data.subset, 0).train,
      RenderOptions{resolve_normalization(config.data, set->info()), static_cast<int>(config.data.image_size),
                    config.train.batch_size, config.data.permute_pixels},
      TrainImagesOptions{.augment = config.augment, .seed = 0});
  const int workers = static_cast<int>(resolve_workers(config.data, device));
  BatchLoader loader(source, 0, std::int64_t{1} << 40, workers, static_cast<int>(config.data.prefetch),
                     device.torch);
  torch::Tensor images;
  const Timing timing =
      time_calls([&] { images = loader.next().images; }, [&] { wait_for(images); }, options);
  BenchRow row = make_row("loader", config, options, device, timing);
  row.model = set->description();
  row.classes = set->classes();
  row.precision = "fp32";
  row.threads = workers;
  return row;
}

}  // namespace smlp
