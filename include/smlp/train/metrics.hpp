#pragma once
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "smlp/run/totals.hpp"
#include "smlp/train/training_step.hpp"

namespace smlp {

// Totals while they grow on the device, where no step waits for them.
class RunningSums {
 public:
  explicit RunningSums(torch::Device device);

  void add(const StepSums& step);

  struct Reading {
    TrainTotals totals;        // since the last take(), but for the seconds
    std::int64_t bad_run = 0;  // the most bad steps in a row since then, those before included
    struct Unapplied {
      std::int64_t steps_ago = 0;  // 0: the last one
      double loss = 0, grad_norm = 0;
    };
    std::vector<Unapplied> unapplied;  // bad steps and those left out, in their order
  };
  Reading take();  // waits for the device, and starts again from zero

  std::int64_t current_run();                // bad steps in a row up to now; waits for the device
  void restore_run(std::int64_t bad_steps);  // of a resumed run

 private:
  torch::Tensor sums_;                // float64 [8]
  std::vector<torch::Tensor> steps_;  // of the steps since then, [n, 3]: not applied, loss, norm
};

}  // namespace smlp
