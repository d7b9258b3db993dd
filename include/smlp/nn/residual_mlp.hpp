#pragma once
#include "smlp/nn/layers.hpp"

namespace smlp {

// z + stack(norm(z)) for z [B, width]. Layer norm and two linear layers with a GELU between them are one
// autograd function that goes over memory less often: where device.kernels is fused, all of them are trained,
// and on CUDA the width is a multiple of 256 up to 1024 and the hidden width one of 8. The values are the
// same but for rounding; there is no second derivative.
torch::Tensor residual_mlp(const torch::Tensor& z, NormLayer& norm, LinearStack& stack);

template <class Linear>
torch::Tensor residual_mlp(const torch::Tensor& z, NormLayer& norm, StackOf<Linear>& stack) {
  return stack.forward(norm.forward(z)) + z;
}

}  // namespace smlp
