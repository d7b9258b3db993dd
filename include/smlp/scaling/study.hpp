#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smlp/scaling/law.hpp"
#include "smlp/scaling/points.hpp"

namespace smlp {

struct StudyOptions {
  Objective objective = Objective::squares;
  std::int64_t resamples = 1000;  // 0: no intervals
  std::uint64_t seed = 0;
};

// A number and the interval that holds it with 95 % (percentiles of the refits); NaN: not known.
struct Estimate {
  std::string name;
  double value = 0, low = 0, high = 0;
};

// A law or power law as fitted, each drawing's coefficients beside it.
struct FittedLaw {
  std::vector<Estimate> coefficients;
  Fit fit;  // of a law of errors
  std::vector<std::vector<double>> refits;
};

// What the laws say of what they were not fitted to: the frontier's highest computes, after a fit to the
// rest.
struct Extrapolation {
  std::size_t fitted = 0;
  std::vector<ScalingPoint> points;
  std::vector<double> predicted;
  double relative_error = 0;  // root of the mean square of predicted / error − 1
};

// All that a table of points says about scaling. What cannot be said is not there, and `remarks` tells why.
struct Study {
  std::vector<SeedGroup> groups;
  std::vector<ScalingPoint> best;  // the frontier
  std::optional<FittedLaw> error;  // E(C) on the frontier
  std::optional<FittedLaw> parameters, seen,
      macs;                        // P*(C) and images · epochs(C) = k·C^p of the frontier; MACs(P)
  std::optional<FittedLaw> joint;  // E(P, images · epochs) of all points
  std::optional<Extrapolation> held_out;
  std::vector<std::string> remarks;
};

// Intervals come from drawing points anew (seeds within a point too), frontier and fits included: the refits
// that published corrections ask for (arXiv 2404.10102). Interrupted once a stop is asked for.
Study study_scaling(const std::vector<ScalingPoint>& points, const StudyOptions& options);

}  // namespace smlp
