#pragma once
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "smlp/models/layer_kinds.hpp"
#include "smlp/nn/stoppable.hpp"

namespace smlp {

torch::Tensor activate(const torch::Tensor& x, Activation kind);

// Zeroes each element with probability p and scales the rest, while `training`; x itself otherwise.
torch::Tensor drop(const torch::Tensor& x, double p, bool training);

inline constexpr double norm_eps = 1e-5;

// Logits [B, classes] of features [B, width]. In bfloat16 on CUDA with a number of classes that 8 does not
// divide they are computed with some more of zero weight, for matrix products of such sizes take two to three
// times as long.
torch::Tensor classify(torch::nn::Linear& layer, const torch::Tensor& features);

// Normalises features [B, width] (layer norm: [..., width]; batch norm: also [B, width, H, W]): torch's
// LayerNorm or BatchNorm with affine parameters (momentum 0.1), and their tensor names (weight, bias;
// running_mean, running_var, num_batches_tracked). Kind none is the identity and has no tensors. Batch
// statistics of one value while training: Error(usage).
class NormLayer : public torch::nn::Module {
 public:
  NormLayer(NormKind kind, std::int64_t width, double eps = norm_eps);
  torch::Tensor forward(const torch::Tensor& x);
  // What batch norm is in evaluation, y = scale·x + shift of each feature [width], in double precision.
  struct ScaleShift {
    torch::Tensor scale, shift;
  };
  ScaleShift in_evaluation() const;
  NormKind kind() const { return kind_; }
  const torch::Tensor& weight() const { return weight_; }  // undefined for kind none, as is the bias
  const torch::Tensor& bias() const { return bias_; }

 private:
  NormKind kind_;
  std::int64_t width_;
  double eps_;
  torch::Tensor weight_, bias_, running_mean_, running_var_, batches_;
};

// The residual branch of a model's block, registered as torch.nn.Sequential names it: linear layers "0", "2",
// "4", … with an activation between them, and one after the last when `activate_last`. Linear: a module
// holder or pointer, called with ->forward(x).
template <class Linear>
class StackOf : public torch::nn::Module {
 public:
  // layers: at least one.
  StackOf(std::vector<Linear> layers, Activation activation, bool activate_last)
      : layers_(std::move(layers)), activation_(activation), activate_last_(activate_last) {
    for (std::size_t i = 0; i < layers_.size(); ++i) register_module(std::to_string(2 * i), layers_[i]);
  }
  torch::Tensor forward(torch::Tensor x) {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      x = stoppable(layers_[i]->forward(x));
      if (activate_last_ || i + 1 < layers_.size()) x = activate(x, activation_);
    }
    return x;
  }
  // Whether it is two linear layers with a GELU between them and nothing after.
  bool is_gelu_pair() const {
    return layers_.size() == 2 && activation_ == Activation::gelu && !activate_last_;
  }
  const Linear& linear(std::size_t i) const { return layers_[i]; }

 private:
  std::vector<Linear> layers_;
  Activation activation_;
  bool activate_last_;
};
using LinearStack = StackOf<torch::nn::Linear>;

}  // namespace smlp
