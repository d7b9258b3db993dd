#pragma once
#include <cstdint>
#include <optional>

#include "smlp/sweep/plan.hpp"

namespace smlp {

// Works on a sweep with so many processes of this program, which share the threads that one would use, and
// write to jobs/worker-N.log; says what finishes and fails. A stop signal stops all of them. A process that
// is killed is replaced, and the job that it did is noted as failed.
void run_sweep_workers(const SweepPlan& plan, int count, std::optional<std::int64_t> task);

// In such a process: it stops, saving everything, should the one that started it, process `parent`, end.
void stop_with_parent(std::int64_t parent);

}  // namespace smlp
