#pragma once
#include <torch/types.h>

namespace smlp {

// Tells the steps whose gradient norm is an outlier: more than `zscore` standard deviations above the mean of
// the last 128 norms, itself among them; of the first 128 none is. As llm.c's detector has it
// (llmc/outlier_detector.h), so a new level is taken for one only until it makes up 1 / (1 + zscore²) of
// them.
class SpikeGuard {
 public:
  static constexpr std::int64_t window = 128;

  SpikeGuard(double zscore, torch::Device device);

  // 1 where the step is to be left out, else 0: [] float32. norm: [] float32; where bad [] is not 0 it says
  // nothing and is not remembered. Does not synchronise with the device.
  torch::Tensor operator()(const torch::Tensor& norm, const torch::Tensor& bad);

  // The last norms, oldest first, float32 [128]; NaN: there were none yet. The live tensor.
  const torch::Tensor& norms() const { return norms_; }

 private:
  const double zscore_;
  torch::Tensor norms_;
};

}  // namespace smlp
