#include "smlp/optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace smlp {

double ScheduleConfig::factor(std::int64_t step, std::int64_t total_steps) const {
  if (step < warmup_steps) return static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  const double rest = static_cast<double>(std::max<std::int64_t>(1, total_steps - warmup_steps));
  return after_warmup(std::min(1.0, static_cast<double>(step - warmup_steps) / rest));
}

void ScheduleConfig::fields(FieldVisitor& v) {
  v.field("warmup_steps", warmup_steps, "steps over which the learning rate rises linearly",
          between(0, 1e12));
}

double ConstantSchedule::after_warmup(double) const {
  return 1.0;
}

void CosineSchedule::fields(FieldVisitor& v) {
  ScheduleConfig::fields(v);
  v.field("final_factor", final_factor, "the learning rate's last factor", between(0, 1));
}

double CosineSchedule::after_warmup(double progress) const {
  return final_factor + (1 - final_factor) * (1 + std::cos(std::numbers::pi * progress)) / 2;
}

}  // namespace smlp
