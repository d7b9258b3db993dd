#pragma once
#include <torch/types.h>

#include <cstdint>

namespace smlp {

// What a step did, as tensors [] on its device, over the batches of all ranks.
struct StepSums {
  torch::Tensor loss, right;  // summed over the images; right: the largest logit is the label's (under MixUp:
                              // the one with the larger share)
  torch::Tensor bad;          // 1: loss or gradient was not finite and nothing was changed; else 0
  torch::Tensor skipped;      // 1: left out by a SpikeGuard, nothing was changed; undefined without one
  torch::Tensor grad_norm;    // of the whole gradient, before clipping
  std::int64_t images = 0;
};

}  // namespace smlp
