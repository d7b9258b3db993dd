#pragma once
#include <cstdint>

#include "smlp/config/fields.hpp"

namespace smlp {

// A learning-rate schedule: a function of the step alone.
class ScheduleConfig : public FieldGroup {
 public:
  std::int64_t warmup_steps = 0;  // the factor rises linearly: (step + 1) / warmup_steps

  // The factor on every group's learning rate at `step` (from 0) of `total_steps`; in [0, 1].
  double factor(std::int64_t step, std::int64_t total_steps) const;
  void fields(FieldVisitor& v) override;

 protected:
  virtual double after_warmup(
      double progress) const = 0;  // progress in [0, 1): through the steps after the warm-up
};

class ConstantSchedule : public ScheduleConfig {
 protected:
  double after_warmup(double progress) const override;
};

// Half a cosine from 1 to final_factor (Loshchilov and Hutter 2017, without restarts).
class CosineSchedule : public ScheduleConfig {
 public:
  double final_factor = 0.0;
  void fields(FieldVisitor& v) override;

 protected:
  double after_warmup(double progress) const override;
};

}  // namespace smlp
