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

// What residual_mlp does between its matrix products. x, z, residual [B, width], B above 0; weights as
// torch.nn.Linear has them. gradient: of what the product gave; on a CPU the result takes its place.
class ResidualPasses {
 public:
  virtual ~ResidualPasses() = default;
  virtual Hidden hidden(const at::Tensor& x, const at::Tensor& w1, const at::Tensor& b1, bool keep) const = 0;
  // hidden·w2ᵀ + b2 + z
  virtual at::Tensor output(const at::Tensor& hidden, const at::Tensor& w2, const at::Tensor& b2,
                            const at::Tensor& z) const = 0;
  virtual GeluGradients gelu_gradients(const at::Tensor& gradient, const at::Tensor& kept) const = 0;
  // The gradient of z + branch(layer_norm(z)) from the branch's and its own, residual.
  virtual NormGradients norm_gradients(const at::Tensor& gradient, const at::Tensor& residual,
                                       const at::Tensor& z, const at::Tensor& mean, const at::Tensor& rstd,
                                       const at::Tensor& weight) const = 0;
};

const ResidualPasses& cpu_passes();
const ResidualPasses& cuda_passes();

}  // namespace smlp
