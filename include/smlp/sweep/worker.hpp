#pragma once
#include <cstdint>
#include <optional>

#include "smlp/sweep/plan.hpp"

namespace smlp {

// Writes the plan's document as the sweep's own, and forgets what failed before, so that it is tried again. A
// folder that holds anything else, or runs that were begun with other settings: Error(usage) naming them.
void open_sweep(const SweepPlan& plan, std::optional<std::int64_t> task);

// Does the sweep's jobs that nobody else does, in their order, in this process: finished ones are left, begun
// ones go on, one that fails is noted and the others go on. Waits for those that other processes do. Any
// number of processes, of several machines on one file system, may do so at once. `task`: only that training
// and what follows it. A stop signal ends it, everything saved; what came of it the jobs' states say.
void work_on_sweep(const SweepPlan& plan, std::optional<std::int64_t> task);

}  // namespace smlp
