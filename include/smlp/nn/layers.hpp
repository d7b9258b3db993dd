#pragma once
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "smlp/models/layer_kinds.hpp"

namespace smlp {

torch::Tensor activate(const torch::Tensor& x, Activation kind);

// Zeroes each element with probability p and scales the rest, while `training`; x itself otherwise.
torch::Tensor drop(const torch::Tensor& x, double p, bool training);

// Normalises features [B, width]: torch's LayerNorm or BatchNorm1d with affine parameters, eps 1e-5 (momentum
// 0.1), and their tensor names (weight, bias; running_mean, running_var, num_batches_tracked). Kind none is
// the identity and has no tensors. Batch statistics of fewer than two images while training: Error(usage).
class NormLayer : public torch::nn::Module {
 public:
  NormLayer(NormKind kind, std::int64_t width);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  NormKind kind_;
  std::int64_t width_;
  torch::Tensor weight_, bias_, running_mean_, running_var_, batches_;
};

// The residual branch of a model's block, registered as torch.nn.Sequential names it: linear layers "0", "2",
// "4", … with an activation between them, and one after the last when `activate_last`.
class LinearStack : public torch::nn::Module {
 public:
  // widths: input, …, output; at least two.
  LinearStack(const std::vector<std::int64_t>& widths, Activation activation, bool activate_last);
  torch::Tensor forward(torch::Tensor x);

 private:
  std::vector<torch::nn::Linear> layers_;
  Activation activation_;
  bool activate_last_;
};

}  // namespace smlp
