#pragma once
#include <vector>

#include "smlp/scaling/study.hpp"

namespace smlp {

// The 2.5th and 97.5th percentile of those values that are finite, in between the nearest; none: the estimate
// stays as it is.
void set_interval(Estimate& estimate, std::vector<double> values);

}  // namespace smlp
