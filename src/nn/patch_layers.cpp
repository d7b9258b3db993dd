#include "smlp/nn/patch_layers.hpp"

#include "smlp/nn/init.hpp"
#include "smlp/nn/stoppable.hpp"

namespace smlp {

PatchEmbedding::PatchEmbedding(std::int64_t patch, std::int64_t width) : patch_(patch) {
  const std::int64_t inputs = 3 * patch * patch;
  const auto proj = register_module("proj", std::make_shared<torch::nn::Module>());
  weight_ = proj->register_parameter("weight", uniform({width, 3, patch, patch}, inputs));
  bias_ = proj->register_parameter("bias", uniform({width}, inputs));
}

torch::Tensor PatchEmbedding::forward(const torch::Tensor& images) {
  const std::int64_t batch = images.size(0), side = images.size(2) / patch_;
  const torch::Tensor patches = images.view({batch, 3, side, patch_, side, patch_})
                                    .permute({0, 2, 4, 1, 3, 5})
                                    .reshape({batch, side * side, 3 * patch_ * patch_});
  return at::linear(patches, weight_.flatten(1), bias_);
}

Mlp::Mlp(std::int64_t in, std::int64_t hidden, std::int64_t out)
    : fc1_(register_module("fc1", torch::nn::Linear(in, hidden))),
      fc2_(register_module("fc2", torch::nn::Linear(hidden, out))) {
  stop_when_told();
}

torch::Tensor Mlp::forward(const torch::Tensor& x) {
  return fc2_(at::gelu(stoppable(fc1_(x))));
}

}  // namespace smlp
