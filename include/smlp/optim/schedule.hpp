#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "smlp/config/fields.hpp"

namespace smlp {

// What of a run a schedule depends on.
struct ScheduleSpan {
  std::int64_t total_steps = 1;
  double steps_per_epoch = 1;
  double lr = 1;  // the rate that the factor 1 stands for, optim.lr

  std::int64_t steps(double epochs) const;  // the step from which so many epochs are done
};

// A learning-rate schedule: a function of the step alone. docs/formats.md has the formulas.
class ScheduleConfig : public FieldGroup {
 public:
  std::int64_t warmup_steps = 0;  // the factor rises linearly: (step + 1) / warmup_steps
  double warmup_epochs = 0;       // the same in epochs

  // The factor on every group's learning rate at `step` (from 0); in [0, 1].
  double factor(std::int64_t step, const ScheduleSpan& span) const;
  std::int64_t warmup(const ScheduleSpan& span) const;  // in steps
  virtual void check(double lr) const;                  // keys that exclude each other: Error(usage)
  void fields(FieldVisitor& v) override;

 protected:
  // step: from `warmup`, the steps that the warm-up took.
  virtual double after_warmup(std::int64_t step, std::int64_t warmup, const ScheduleSpan& span) const = 0;
};

class ConstantSchedule : public ScheduleConfig {
 protected:
  double after_warmup(std::int64_t step, std::int64_t warmup, const ScheduleSpan& span) const override;
};

// One that goes down to a lowest factor, said as such or as a rate.
class FallingSchedule : public ScheduleConfig {
 public:
  double final_factor = 0.0;
  std::optional<double> min_lr;  // of optim.lr; other groups' rates keep their ratio to it
  void check(double lr) const override;
  void fields(FieldVisitor& v) override;

 protected:
  double lowest(const ScheduleSpan& span) const;
};

// Half a cosine from 1 to the lowest factor (Loshchilov and Hutter 2017, without restarts).
class CosineSchedule : public FallingSchedule {
 protected:
  double after_warmup(std::int64_t step, std::int64_t warmup, const ScheduleSpan& span) const override;
};

// Multiplied by decay_rate every so many epochs, or at given ones; not below the lowest factor.
class StepSchedule : public FallingSchedule {
 public:
  static constexpr double usual_decay_epochs = 30;
  double decay_epochs = usual_decay_epochs;
  std::vector<double> milestones;  // epochs; empty: every decay_epochs
  double decay_rate = 0.1;
  void check(double lr) const override;
  void fields(FieldVisitor& v) override;

 protected:
  double after_warmup(std::int64_t step, std::int64_t warmup, const ScheduleSpan& span) const override;
};

// Warm-up, stable, decay (Hu et al. 2024; shapes of Hägele et al. 2024): 1, then down to the lowest factor
// over the last part of the run.
class WsdSchedule : public FallingSchedule {
 public:
  enum class Shape { sqrt, linear, cosine };
  double decay_fraction = 0.2;
  Shape shape = Shape::sqrt;
  void fields(FieldVisitor& v) override;

 protected:
  double after_warmup(std::int64_t step, std::int64_t warmup, const ScheduleSpan& span) const override;
};

}  // namespace smlp
