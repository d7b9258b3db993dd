#include "smlp/run/step_plan.hpp"

#include <algorithm>

namespace smlp {

std::int64_t StepPlan::step_of_epoch(std::int64_t epoch) const {
  return (epoch * images + batch_size - 1) / batch_size;
}

std::int64_t StepPlan::epochs_at(std::int64_t step) const {
  return std::min(step * batch_size / images, epochs);
}

double StepPlan::epoch_at(std::int64_t step) const {
  return static_cast<double>(step * batch_size) / static_cast<double>(images);
}

}  // namespace smlp
