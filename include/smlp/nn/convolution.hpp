#pragma once
#include "smlp/nn/layers.hpp"

namespace smlp {

// [B, in, H, W] → [B, out, H', W'], without bias. Tensor: weight [out, in / groups, kernel, kernel].
class Convolution : public torch::nn::Module {
 public:
  // weight: as it is at the start.
  explicit Convolution(torch::Tensor weight, std::int64_t stride = 1, std::int64_t padding = 0,
                       std::int64_t groups = 1);
  torch::Tensor forward(const torch::Tensor& x);
  const torch::Tensor& weight() const { return weight_; }

 private:
  std::int64_t stride_, padding_, groups_;
  torch::Tensor weight_;
};

// A convolution and its batch norm. Tensors: conv.weight, bn.*.
class NormedConvolution : public torch::nn::Module {
 public:
  explicit NormedConvolution(torch::Tensor weight, std::int64_t stride = 1, std::int64_t padding = 0,
                             std::int64_t groups = 1);
  torch::Tensor forward(const torch::Tensor& x) { return bn_->forward(conv_->forward(x)); }
  const Convolution& conv() const { return *conv_; }
  const NormLayer& bn() const { return *bn_; }

 private:
  std::shared_ptr<Convolution> conv_;
  std::shared_ptr<NormLayer> bn_;
};

}  // namespace smlp
