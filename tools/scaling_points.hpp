#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "smlp/scaling/points.hpp"

namespace smlp {

// The trainings of a folder of runs (or of one run) as points, their error that of the score that chooses:
// of each run its last evaluation, and of a run whose rate is constant every one, since a run of fewer epochs
// would have come there too ("Scaling MLPs", section 4). Left out and named: runs that start from other
// weights, that are not at the end of their schedule, or of which something is missing. No such folder:
// Error(data).
PointTable run_points(const std::filesystem::path& folder);

}  // namespace smlp
