#pragma once
#include <cstdint>

namespace smlp {

// How a run takes its images: step s takes samples [s·batch_size, (s+1)·batch_size) of the endless stream of
// epochs, so batches straddle epochs, and every step has the same shape.
struct StepPlan {
  std::int64_t images = 1;  // of an epoch
  std::int64_t epochs = 1;
  std::int64_t batch_size = 1;   // images a step, over all ranks
  std::int64_t micro_batch = 1;  // images a forward pass, at most batch_size

  std::int64_t step_of_epoch(std::int64_t epoch) const;  // the step after which `epoch` (from 1) is whole
  std::int64_t total_steps() const { return step_of_epoch(epochs); }
  std::int64_t epochs_at(std::int64_t step) const;  // whole epochs after `step` steps, at most all
  double epoch_at(std::int64_t step) const;         // with its fraction
};

}  // namespace smlp
