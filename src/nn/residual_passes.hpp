#pragma once
#include <ATen/core/Tensor.h>

namespace smlp {

struct Hidden {
  at::Tensor values;  // gelu(x·w1ᵀ + b1) [B, hidden]
  at::Tensor kept;    // what gelu_gradients takes
};

struct GeluGradients {
  at::Tensor input, bias;  // [B, hidden], [hidden]
};

struct NormGradients {
  at::Tensor input, weight, bias, last_bias;  // last_bias: of what was added to the branch's result
};

// What residual_mlp does between its matrix products, on either device. x, z, residual [B, width]; weights as
// torch.nn.Linear has them. gradient: of what the product gave; on a CPU the result takes its place.
struct CpuPasses {
  static Hidden hidden(const at::Tensor& x, const at::Tensor& w1, const at::Tensor& b1, bool keep);
  // hidden·w2ᵀ + b2 + z
  static at::Tensor output(const at::Tensor& hidden, const at::Tensor& w2, const at::Tensor& b2,
                           const at::Tensor& z);
  static GeluGradients gelu_gradients(const at::Tensor& gradient, const at::Tensor& kept);
  // The gradient of z + branch(layer_norm(z)) from the branch's and its own, residual.
  static NormGradients norm_gradients(const at::Tensor& gradient, const at::Tensor& residual,
                                      const at::Tensor& z, const at::Tensor& mean, const at::Tensor& rstd,
                                      const at::Tensor& weight);
};

struct CudaPasses {
  static Hidden hidden(const at::Tensor& x, const at::Tensor& w1, const at::Tensor& b1, bool keep);
  static at::Tensor output(const at::Tensor& hidden, const at::Tensor& w2, const at::Tensor& b2,
                           const at::Tensor& z);
  static GeluGradients gelu_gradients(const at::Tensor& gradient, const at::Tensor& kept);
  static NormGradients norm_gradients(const at::Tensor& gradient, const at::Tensor& residual,
                                      const at::Tensor& z, const at::Tensor& mean, const at::Tensor& rstd,
                                      const at::Tensor& weight);
};

}  // namespace smlp
