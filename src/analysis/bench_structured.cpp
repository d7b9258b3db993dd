#include "smlp/analysis/bench_structured.hpp"

#include <torch/types.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/core/version.hpp"
#include "smlp/device/capability.hpp"
#include "smlp/device/device.hpp"
#include "smlp/device/memory.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/nn/structured_linear.hpp"
#include "smlp/train/bf16_weights.hpp"

namespace smlp {
namespace {

constexpr const char* kind = "structured";

struct Layer {
  std::string name;
  StructureConfig config;
};

std::vector<Layer> measured_layers() {
  using enum Structure;
  std::vector<StructureConfig> configs{{.structure = block_diagonal, .blocks = 4},
                                       {.structure = block_diagonal, .blocks = 16},
                                       {.structure = low_rank, .rank = 16},
                                       {.structure = low_rank, .rank = 64},
                                       {.structure = kronecker, .rank = 1},
                                       {.structure = kronecker, .rank = 4},
                                       {.structure = btt, .rank = 1},
                                       {.structure = btt, .rank = 4},
                                       {.structure = monarch, .blocks = 4},
                                       {.structure = monarch, .blocks = 16}};
  std::vector<Layer> layers{{"dense", {.structure = dense}}};
  for (const double density : {0.3, 0.2, 0.1, 0.05, 0.01})
    for (const auto& [kernel, name] :
         {std::pair(MaskedKernel::dense, "dense"), {MaskedKernel::sparse, "sparse"}}) {
      const StructureConfig config{.structure = masked, .density = density, .masked_kernel = kernel};
      layers.push_back({fmt::format("{}, {} kernel", config.text(), name), config});
    }
  for (const StructureConfig& config : configs) layers.push_back({config.text(), config});
  return layers;
}

Timing time_layer(StructuredLinear& layer, const Device& device, std::int64_t width, std::int64_t batch,
                  const BenchOptions& options) {
  std::optional<Bf16Weights> weights;
  std::optional<Bf16Weights::Scope> scope;
  if (device.precision == Precision::bf16) scope.emplace(weights.emplace(layer));
  const auto type = scope ? torch::kBFloat16 : torch::kFloat32;
  const torch::Tensor x = torch::randn({batch, width}).to(device.torch, type).requires_grad_(),
                      gradient = torch::randn({batch, width}).to(device.torch, type);
  const auto work = [&] {
    torch::Tensor(x).mutable_grad().reset();
    layer.zero_grad();
    layer.forward(x).backward(gradient);
  };
  return time_calls(
      work, [&] { x.grad().flatten()[0].item(); }, options);
}

BenchRow measure(const Layer& measured, const Device& device, std::int64_t width, std::int64_t batch,
                 const BenchOptions& options) {
  torch::manual_seed(0);
  const auto layer = std::make_shared<StructuredLinear>(measured.config, width, width);
  layer->to(device.torch);
  const Timing timing = time_layer(*layer, device, width, batch, options);
  std::int64_t parameters = 0;
  for (const torch::Tensor& each : layer->parameters()) parameters += each.numel();
  return {.kind = kind,
          .model = measured.name,
          .precision = precision_name(device.precision),
          .processor = device.is_cuda() ? device.description : cpu_capability().name,
          .revision = git_revision(),
          .threads = device.threads,
          .batch_size = batch,
          .classes = width,
          .parameters = parameters,
          .macs = layer_shape(measured.config, width, width).macs,
          .images_per_s = static_cast<double>(batch) / timing.seconds,
          .repeats = options.repeats,
          .spread = timing.spread,
          .batch_seconds = timing.seconds,
          .memory = anonymous_memory_peak(),
          .device_memory = device_memory_peak(device.torch)};
}

}  // namespace

std::vector<BenchRow> bench_structured(const DeviceConfig& config, const StructuredSizes& sizes,
                                       const BenchOptions& options) {
  const Device device = open_device(config);
  std::vector<BenchRow> rows;
  for (const Layer& layer : measured_layers())
    for (const std::int64_t width : sizes.widths)
      for (const std::int64_t batch : sizes.batches)
        rows.push_back(measure(layer, device, width, batch, options));
  return rows;
}

double times_as_fast_as_dense(const BenchRow& row, const std::vector<BenchRow>& rows) {
  for (const BenchRow& each : rows)
    if (each.model == "dense" && each.classes == row.classes && each.batch_size == row.batch_size)
      return each.batch_seconds / row.batch_seconds;
  fail(ErrorKind::failed, "no dense layer of {} values was measured", row.classes);
}

std::vector<Crossover> crossovers(const std::vector<BenchRow>& rows) {
  std::vector<BenchRow> by_width = rows;
  std::ranges::stable_sort(by_width, std::less(), &BenchRow::classes);
  std::vector<Crossover> found;
  for (const BenchRow& row : by_width) {
    if (row.model == "dense") continue;
    auto place = std::ranges::find_if(found, [&](const Crossover& each) {
      return each.structure == row.model && each.batch_size == row.batch_size;
    });
    if (place == found.end()) place = found.insert(place, {row.model, row.batch_size, std::nullopt});
    if (times_as_fast_as_dense(row, rows) <= 1)
      place->width.reset();
    else if (!place->width)
      place->width = row.classes;
  }
  return found;
}

std::string structured_json(const std::vector<BenchRow>& rows) {
  auto json = nlohmann::ordered_json::parse(bench_json(rows));
  for (const Crossover& each : crossovers(rows)) {
    auto& out = json["crossovers"].emplace_back();
    out["structure"] = each.structure;
    out["batch_size"] = each.batch_size;
    if (each.width)
      out["width"] = *each.width;
    else
      out["width"] = nullptr;
  }
  return json_text(json, 1) + "\n";
}

}  // namespace smlp
