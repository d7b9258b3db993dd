#pragma once
#include <span>

#include "smlp/optim/optimizer_config.hpp"
#include "smlp/optim/schedule.hpp"

namespace smlp {

std::span<const FamilyRow<OptimizerConfig>> optimizer_table();
std::span<const FamilyRow<ScheduleConfig>> schedule_table();

}  // namespace smlp
