#include "smlp/train/bf16_weights.hpp"

namespace smlp {

Bf16Weights::Bf16Weights(const torch::nn::Module& module) {
  for (const auto& each : module.modules(/*include_self=*/true)) {
    if (!each->buffers(/*recurse=*/false).empty()) continue;
    for (const torch::Tensor& parameter : each->parameters(/*recurse=*/false)) {
      parameters_.push_back(parameter);
      masters_.push_back(parameter.detach());
      copies_.push_back(torch::empty_like(masters_.back(), torch::kBFloat16));
    }
  }
}

void Bf16Weights::use(const std::vector<torch::Tensor>& data) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].set_data(data[i]);
}

Bf16Weights::Scope::Scope(Bf16Weights& weights) : weights_(weights) {
  const torch::NoGradGuard no_grad;
  at::_foreach_copy_(weights_.copies_, weights_.masters_);
  weights_.use(weights_.copies_);
}

Bf16Weights::Scope::~Scope() {
  weights_.use(weights_.masters_);
}

}  // namespace smlp
