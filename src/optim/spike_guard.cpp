#include "smlp/optim/spike_guard.hpp"

#include <ATen/Functions.h>

#include <limits>

namespace smlp {

SpikeGuard::SpikeGuard(double zscore, torch::Device device)
    : zscore_(zscore),
      norms_(torch::full({window}, std::numeric_limits<float>::quiet_NaN(),
                         torch::TensorOptions(torch::kFloat32).device(device))) {}

torch::Tensor SpikeGuard::operator()(const torch::Tensor& norm, const torch::Tensor& bad) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor finite = bad.eq(0), full = norms_[0].eq(norms_[0]);
  const torch::Tensor last = torch::cat({norms_.narrow(0, 1, window - 1), norm.reshape({1})});
  torch::Tensor above = norm - last.mean();
  const torch::Tensor limit = last.std(/*unbiased=*/false).mul_(zscore_);
  torch::where_out(norms_, finite, last, norms_);
  return above.gt_(limit).mul_(full).mul_(finite);  // of a NaN: 0
}

}  // namespace smlp
