#include "smlp/train/bf16_weights.hpp"

#include <algorithm>

#include "smlp/nn/layers.hpp"

namespace smlp {
namespace {

bool mixes_types(const torch::nn::Module& module) {
  const auto* const norm = dynamic_cast<const NormLayer*>(&module);
  if (norm == nullptr || norm->kind() == NormKind::none) return false;
  return norm->kind() == NormKind::batch || norm->weight().is_cpu();
}

}  // namespace

Bf16Weights::Bf16Weights(const torch::nn::Module& module) {
  for (const auto& each : module.modules(/*include_self=*/true)) {
    if (mixes_types(*each)) continue;
    for (const torch::Tensor& parameter : each->parameters(/*recurse=*/false)) {
      Weights& weights = parameter.requires_grad() ? trained_ : frozen_;
      weights.parameters.push_back(parameter);
      weights.masters.push_back(parameter.detach());
      weights.copies.push_back(torch::empty_like(weights.masters.back(), torch::kBFloat16));
      weights.versions.emplace_back();
    }
  }
}

torch::Tensor Bf16Weights::copy_of(const torch::Tensor& parameter) const {
  const auto found = std::ranges::find_if(trained_.parameters,
                                          [&](const torch::Tensor& each) { return each.is_same(parameter); });
  return found == trained_.parameters.end() ? torch::Tensor()
                                            : trained_.copies[found - trained_.parameters.begin()];
}

void Bf16Weights::convert(Weights& weights, bool all) {
  std::vector<torch::Tensor> from, to;
  for (std::size_t i = 0; i < weights.masters.size(); ++i) {
    const std::int64_t version = weights.masters[i]._version();
    if (!all && weights.versions[i] == version) continue;
    weights.versions[i] = version;
    from.push_back(weights.masters[i]);
    to.push_back(weights.copies[i]);
  }
  if (!from.empty()) at::_foreach_copy_(to, from);
}

void Bf16Weights::follow_changes() {
  const torch::NoGradGuard no_grad;
  if (copies_are_written_) convert(trained_, false);
  convert(frozen_, false);
}

void Bf16Weights::use(const Weights& weights, const std::vector<torch::Tensor>& data) {
  for (std::size_t i = 0; i < data.size(); ++i) torch::Tensor(weights.parameters[i]).set_data(data[i]);
}

Bf16Weights::Scope::Scope(Bf16Weights& weights) : weights_(weights) {
  const torch::NoGradGuard no_grad;
  if (!weights_.copies_are_written_) convert(weights_.trained_, true);
  weights_.follow_changes();
  use(weights_.trained_, weights_.trained_.copies);
  use(weights_.frozen_, weights_.frozen_.copies);
}

Bf16Weights::Scope::~Scope() {
  use(weights_.trained_, weights_.trained_.masters);
  use(weights_.frozen_, weights_.frozen_.masters);
}

}  // namespace smlp
