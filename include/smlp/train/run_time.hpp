#pragma once
#include <string>

#include "smlp/train/experiment.hpp"

namespace smlp {

// Seconds on this machine, as a few of them showed.
struct RunPace {
  double trained = 0;    // of an image in a step; 0: the head is solved for
  double evaluated = 0;  // of an image seen whole
  std::string measured;  // what was
};

// From a few seconds of a run's steps and of an evaluation. The batch is grown to the run's where a step
// stays within about a second, so that a run too large for this machine is priced too. Writes no file; the
// model's weights are trained on.
RunPace measure_pace(Experiment& experiment);

// How long a whole run takes at that pace, its model not needed; as a line: a run that was built.
double seconds_of_run(const Experiment& experiment, const RunPace& pace);
std::string describe_run_time(const Experiment& experiment, const RunPace& pace);

}  // namespace smlp
