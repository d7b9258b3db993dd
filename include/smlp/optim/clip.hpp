#pragma once
#include <torch/types.h>

#include <vector>

#include "smlp/optim/optimizer.hpp"

namespace smlp {

// The Euclidean norm of all gradients together, [] float32 on the parameters' device, without synchronising.
// Parameters without a gradient count as 0. On a CPU one parallel pass, summed in double precision in fixed
// chunks: the same bits for any number of threads.
torch::Tensor global_grad_norm(const std::vector<Parameter>& parameters);

// What Optimizer::step needs, computed on the device of `norm`: clip_factor = min(1, clip_norm / (norm +
// 1e-6)) as torch.nn.utils.clip_grad_norm_ has it (1 when clip_norm is 0), bad where loss or norm is not
// finite. loss, norm, lr_factor: [] float32 without autograd history.
StepInputs step_inputs(const torch::Tensor& loss, const torch::Tensor& norm, double clip_norm,
                       const torch::Tensor& lr_factor);

}  // namespace smlp
