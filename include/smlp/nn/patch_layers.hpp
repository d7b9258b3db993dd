#pragma once
#include <torch/nn/modules/linear.h>

#include <cstdint>

namespace smlp {

// Non-overlapping patches of an image as tokens: a convolution whose stride is its size, computed as one
// matrix product. Tensors: proj.weight [width, 3, patch, patch], proj.bias.
class PatchEmbedding : public torch::nn::Module {
 public:
  PatchEmbedding(std::int64_t patch, std::int64_t width);
  // images [B, 3, S, S] → [B, (S/patch)², width], patches row by row
  torch::Tensor forward(const torch::Tensor& images);

 private:
  std::int64_t patch_;
  torch::Tensor weight_, bias_;
};

// fc2(GELU(fc1(x))) over the last dimension.
class Mlp : public torch::nn::Module {
 public:
  Mlp(std::int64_t in, std::int64_t hidden, std::int64_t out);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Linear fc1_, fc2_;
};

}  // namespace smlp
