#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "smlp/scaling/points.hpp"

namespace smlp {

// Trainings as points; of those that something follows, the error that they had themselves.
struct RunPoints : PointTable {
  std::vector<double> upstream;  // beside `points`; NaN: it was not evaluated there. Empty: the points are it
  std::vector<std::string> data;  // beside `points`: what each was trained on, by the root that said it first
  std::int64_t followers = 0;     // runs left out because they start from other weights
};

// The trainings of a folder of runs (or of one run) as points, their error that of the score that chooses:
// of each run its last evaluation, and of a run whose rate is constant every one, since a run of fewer epochs
// would have come there too ("Scaling MLPs", section 4). Left out and counted: runs that start
// from other weights; left out and named: those that failed, that are not at the end of their schedule, or
// of which something is missing. No such folder: Error(data).
RunPoints run_points(const std::filesystem::path& folder);

// The same of a sweep's folder, the error of each point being that of the run called `name` (of sweep.then)
// which started from the training, or from a checkpoint of it, once that is finished.
RunPoints downstream_points(const std::filesystem::path& folder, const std::string& name);

}  // namespace smlp
