#pragma once
#include "smlp/nn/layers.hpp"

namespace smlp {

// Folding a batch norm, as it is in evaluation, into a linear layer beside it, in closed form. `into` gets
// the weights with which it alone gives the results of both; it is computed in double precision.

// y = layer(norm(x))
void fold_before(const NormLayer& norm, const torch::nn::Linear& layer, const torch::nn::Linear& into);

// y = norm(layer(x))
void fold_after(const torch::nn::Linear& layer, const NormLayer& norm, const torch::nn::Linear& into);

// Copies what two modules have under the same names and in the same shapes.
void copy_common(const torch::nn::Module& from, const torch::nn::Module& into);

}  // namespace smlp
