#pragma once
#include "smlp/nn/layers.hpp"

namespace smlp {

// z + stack(norm(z)) for z [B, width]. Layer norm and two linear layers with a GELU between them are one
// autograd function where device.kernels is fused: the same values, fewer passes over memory in the backward
// pass on CUDA.
torch::Tensor residual_mlp(const torch::Tensor& z, NormLayer& norm, LinearStack& stack);

}  // namespace smlp
