#include "bench_subject.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "smlp/core/stopwatch.hpp"
#include "smlp/core/version.hpp"
#include "smlp/device/capability.hpp"
#include "smlp/device/memory.hpp"
#include "smlp/networks/registry.hpp"

namespace smlp {
namespace {

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

std::string model_text(const RunConfig& config) {
  return fmt::format("{} ({})", config.model.name, config.model->sizes());
}

}  // namespace

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

double optimizer_bytes(const RunConfig& config, double parameters) {
  const double values =
      2.0 * static_cast<double>(1 + config.optim->state_values()) + 1 + (config.optim->clip_norm > 0);
  return sizeof(float) * values * parameters;
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

}  // namespace smlp
