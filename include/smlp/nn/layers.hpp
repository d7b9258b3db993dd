#pragma once
#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace smlp {

enum class NormKind { layer, batch, none };
enum class Activation { gelu, relu };  // gelu: the erf form

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

  // Multiply-adds for one image as fvcore counts them: 5 an element for LayerNorm, 2 for BatchNorm
  // (evaluation).
  std::int64_t macs() const;
  // Bytes of float32 kept for the backward pass for one image. BatchNorm's statistics belong to the batch:
  // not counted.
  std::int64_t saved_bytes() const;

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

  const std::vector<torch::nn::Linear>& layers() const { return layers_; }
  bool activated(std::size_t layer) const { return activate_last_ || layer + 1 < layers_.size(); }

 private:
  std::vector<torch::nn::Linear> layers_;
  Activation activation_;
  bool activate_last_;
};

}  // namespace smlp
