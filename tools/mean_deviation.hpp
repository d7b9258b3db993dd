#pragma once
#include <vector>

namespace smlp {

// The mean, and the sample's standard deviation (over n - 1); of one value the deviation is 0.
struct MeanDeviation {
  double mean, deviation;
};
MeanDeviation mean_deviation(const std::vector<double>& values);

}  // namespace smlp
