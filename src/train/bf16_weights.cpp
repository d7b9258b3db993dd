#include "smlp/train/bf16_weights.hpp"

#include "smlp/nn/layers.hpp"

namespace smlp {
namespace {

bool mixes_types(const torch::nn::Module& module) {
  const auto* const norm = dynamic_cast<const NormLayer*>(&module);
  if (norm == nullptr || norm->kind() == NormKind::none) return false;
  return norm->kind() == NormKind::batch || norm->weight().is_cpu();
}

void convert(const std::vector<torch::Tensor>& from, const std::vector<torch::Tensor>& to) {
  if (!from.empty()) at::_foreach_copy_(to, from);
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
    }
  }
}

void Bf16Weights::use(const Weights& weights, const std::vector<torch::Tensor>& data) {
  for (std::size_t i = 0; i < data.size(); ++i) torch::Tensor(weights.parameters[i]).set_data(data[i]);
}

Bf16Weights::Scope::Scope(Bf16Weights& weights) : weights_(weights) {
  const torch::NoGradGuard no_grad;
  convert(weights_.trained_.masters, weights_.trained_.copies);
  if (!weights_.frozen_are_converted_) convert(weights_.frozen_.masters, weights_.frozen_.copies);
  weights_.frozen_are_converted_ = true;
  use(weights_.trained_, weights_.trained_.copies);
  use(weights_.frozen_, weights_.frozen_.copies);
}

Bf16Weights::Scope::~Scope() {
  use(weights_.trained_, weights_.trained_.masters);
  use(weights_.frozen_, weights_.frozen_.masters);
}

}  // namespace smlp
