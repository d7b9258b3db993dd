#pragma once
#include <string>

#include "smlp/train/experiment.hpp"

namespace smlp {

// The header of a run, a line each: model, parameters, MACs, data, device, precision, schedule.
std::string describe(const Experiment& experiment);

}  // namespace smlp
