#pragma once
#include <torch/torch.h>

#include "smlp/nn/residual_mlp.hpp"

namespace smlp::testing {

// The parts of a residual block, and what comes of them.
struct ResidualBlock {
  std::shared_ptr<NormLayer> norm;
  std::shared_ptr<LinearStack> stack;

  explicit ResidualBlock(std::int64_t width)
      : norm(std::make_shared<NormLayer>(NormKind::layer, width)),
        stack(std::make_shared<LinearStack>(
            std::vector{torch::nn::Linear(width, 4 * width), torch::nn::Linear(4 * width, width)},
            Activation::gelu, false)) {
    const torch::NoGradGuard no_grad;
    norm->parameters()[0].uniform_(0.5, 1.5);
    norm->parameters()[1].uniform_(-0.5, 0.5);
  }
  void to(const torch::Device& device, torch::ScalarType type) { to(device, type, type); }
  void to(const torch::Device& device, torch::ScalarType type, torch::ScalarType norm_type) {
    norm->to(device, norm_type);
    stack->to(device, type);
  }
  std::vector<torch::Tensor> parameters() const {
    std::vector<torch::Tensor> all = norm->parameters();
    for (const torch::Tensor& each : stack->parameters()) all.push_back(each);
    return all;
  }
  // The result and every gradient, for an upstream gradient that is no constant.
  std::vector<torch::Tensor> results(const torch::Tensor& input, const torch::Tensor& upstream) {
    const torch::Tensor z = input.detach().clone().requires_grad_();
    for (torch::Tensor each : parameters()) each.mutable_grad().reset();
    const torch::Tensor out = residual_mlp(z, *norm, *stack);
    out.backward(upstream);
    std::vector<torch::Tensor> all{out.detach(), z.grad()};
    for (const torch::Tensor& each : parameters()) all.push_back(each.grad());
    return all;
  }
};

}  // namespace smlp::testing
