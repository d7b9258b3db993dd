#include "smlp/analysis/bench_roofline.hpp"

#include <torch/types.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench_subject.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;

// The weight of the layer of that cost row; undefined where it has none that is multiplied.
torch::Tensor weight_of(const Model& model, const CostRow& row) {
  const torch::Tensor* const weight = model.named_parameters().find(row.layer + ".weight");
  return weight != nullptr && weight->dim() >= 2 && row.macs > 0 ? *weight : torch::Tensor();
}

std::vector<Products> products_of(const Subject& subject) {
  std::vector<Products> found;
  for (const CostRow& row : subject.costs) {
    const torch::Tensor weight = weight_of(*subject.model, row);
    if (!weight.defined()) continue;
    const Products one{.layers = 1,
                       .vectors = subject.batch.images.size(0) * (row.macs / weight.numel()),
                       .in = weight.numel() / weight.size(0),
                       .out = weight.size(0)};
    // The first has no input gradient: none is its like.
    const auto same = std::find_if(
        found.begin() + (found.empty() ? 0 : 1), found.end(),
        [&](const Products& p) { return p.vectors == one.vectors && p.in == one.in && p.out == one.out; });
    if (same == found.end())
      found.push_back(one);
    else
      ++same->layers;
  }
  return found;
}

void time_products(Products& p, const Device& device, bool first, const BenchOptions& options) {
  const auto type = device.precision == Precision::bf16 ? torch::kBFloat16 : torch::kFloat32;
  const auto drawn = [&](at::IntArrayRef sizes) { return torch::randn(sizes).to(device.torch, type); };
  const torch::Tensor x = drawn({p.vectors, p.in}), w = drawn({p.out, p.in}), y = drawn({p.vectors, p.out}),
                      b = drawn({p.out});
  torch::Tensor last;
  const auto seconds = [&](auto&& product) {
    return time_calls([&] { last = product(); }, [&] { wait_for(last); }, options).seconds;
  };
  p.forward_seconds = seconds([&] { return at::linear(x, w, b); });
  p.weight_seconds = seconds([&] { return y.t().mm(x); });
  if (!first) p.input_seconds = seconds([&] { return y.mm(w); });
}

}  // namespace

double Products::flops() const {
  return 2.0 * static_cast<double>(layers * vectors) * static_cast<double>(in * out) *
         (input_seconds > 0 ? 3 : 2);
}

double Roofline::product_seconds() const {
  double sum = 0;
  for (const Products& each : products) sum += each.seconds();
  return sum;
}

Roofline measure_roofline(const RunConfig& config, const BenchOptions& options) {
  Roofline found;
  found.step = bench_step(config, options);
  const Subject subject = make_subject(config, options);
  found.products = products_of(subject);
  for (const Products& each : found.products)
    found.macs_part += static_cast<double>(each.layers * each.vectors * each.in * each.out);
  found.macs_part /= static_cast<double>(found.step.macs * found.step.batch_size);
  BenchOptions brief = options;
  brief.repeat_seconds /= 10;  // there are several, and they differ little
  const torch::NoGradGuard no_grad;
  for (Products& each : found.products)
    time_products(each, subject.device, &each == &found.products.front(), brief);
  found.bytes = optimizer_bytes(config, static_cast<double>(found.step.parameters));
  found.step.of_limit = (found.product_seconds() + found.byte_seconds()) / found.step.batch_seconds;
  return found;
}

std::string roofline_json(const Roofline& roofline) {
  Json json = Json::parse(bench_json({roofline.step}));
  json["products"] = Json::array();
  for (const Products& p : roofline.products)
    json["products"].push_back({{"layers", p.layers},
                                {"vectors", p.vectors},
                                {"in", p.in},
                                {"out", p.out},
                                {"forward_seconds", p.forward_seconds},
                                {"weight_seconds", p.weight_seconds},
                                {"input_seconds", p.input_seconds}});
  json["macs_part"] = roofline.macs_part;
  json["product_seconds"] = roofline.product_seconds();
  json["bytes"] = roofline.bytes;
  json["byte_seconds"] = roofline.byte_seconds();
  return json_text(json, 1) + "\n";
}

}  // namespace smlp
