#pragma once
#include <string>

#include "smlp/train/experiment.hpp"

namespace smlp {

// How long a whole run takes on this machine, from a few seconds of its steps and of an evaluation: a line
// that says what was measured. The batch is grown to the run's where a step stays within about a second, so
// that a run too large for this machine is priced too. Writes no file; the model's weights are trained on.
std::string measure_run_time(Experiment& experiment);

}  // namespace smlp
