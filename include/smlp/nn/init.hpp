#pragma once
#include <torch/types.h>

namespace smlp {

// What weights are at the start, in place, from the CPU's tensor generator. fan_in of a weight [out, in, …]:
// the product of all but its first dimension.

// Variance 1/fan_in, normal cut off at two deviations: jax.nn.initializers.lecun_normal.
void lecun_normal_(torch::Tensor weight);

// Normal.
void normal_(torch::Tensor weight, double deviation);

// Uniform with variance 2/(fan_in + fan_out): torch.nn.init.xavier_uniform_. weight [out, in]
void xavier_uniform_(torch::Tensor weight);

// As the weights and biases of PyTorch's linear layers and convolutions begin: uniform within 1/√fan_in.
torch::Tensor uniform(torch::IntArrayRef shape, std::int64_t fan_in);

void fill_(torch::Tensor weight, double value);

}  // namespace smlp
