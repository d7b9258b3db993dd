#pragma once
#include <string>
#include <vector>

#include "smlp/sweep/cost.hpp"
#include "smlp/sweep/progress.hpp"

namespace smlp {

// A line for each job, and one for all.
std::string sweep_status_text(const SweepPlan& plan, const std::vector<JobState>& states);
std::string sweep_status_json(const SweepPlan& plan, const std::vector<JobState>& states);

// The same of what they cost.
std::string sweep_cost_text(const SweepPlan& plan, const std::vector<JobCost>& costs);
std::string sweep_cost_json(const SweepPlan& plan, const std::vector<JobCost>& costs);

}  // namespace smlp
