#pragma once
#include <cstdint>
#include <vector>

#include "smlp/sweep/plan.hpp"

namespace smlp {

// What a job would cost from its first step.
struct JobCost {
  double parameters = 0;
  double images = 0;   // that it sees
  double macs = 0;     // to train
  double seconds = 0;  // on this machine
};

// Of each job. Every combination of model, data set, batch and device is measured for a few seconds. Their
// data must be there. Interrupted where a stop is asked for.
std::vector<JobCost> price_sweep(const SweepPlan& plan);

}  // namespace smlp
