#include "smlp/optim/schedule.hpp"

#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

constexpr double rounding = 1e-9;  // of products of epochs and steps, which may be whole numbers

double half_cosine(double progress) {
  return (1 + std::cos(std::numbers::pi * progress)) / 2;
}

}  // namespace

std::int64_t ScheduleSpan::steps(double epochs) const {
  return static_cast<std::int64_t>(std::ceil(epochs * steps_per_epoch * (1 - rounding)));
}

std::int64_t ScheduleConfig::warmup(const ScheduleSpan& span) const {
  return warmup_epochs > 0 ? span.steps(warmup_epochs) : warmup_steps;
}

double ScheduleConfig::factor(std::int64_t step, const ScheduleSpan& span) const {
  const std::int64_t rise = warmup(span);
  if (step < rise) return static_cast<double>(step + 1) / static_cast<double>(rise);
  return after_warmup(step, rise, span);
}

void ScheduleConfig::check(double) const {
  if (warmup_steps > 0 && warmup_epochs > 0)
    fail(ErrorKind::usage, "schedule.warmup_steps is {} and schedule.warmup_epochs {}; give one of them",
         warmup_steps, warmup_epochs);
}

void ScheduleConfig::fields(FieldVisitor& v) {
  v.field("warmup_steps", warmup_steps, "steps over which the learning rate rises linearly",
          between(0, 1e12));
  v.field("warmup_epochs", warmup_epochs, "the same in epochs, in place of warmup_steps", between(0, 1e6));
}

double ConstantSchedule::after_warmup(std::int64_t, std::int64_t, const ScheduleSpan&) const {
  return 1.0;
}

void FallingSchedule::check(double lr) const {
  ScheduleConfig::check(lr);
  if (min_lr && final_factor > 0)
    fail(ErrorKind::usage, "schedule.min_lr is {} and schedule.final_factor {}; give one of them", *min_lr,
         final_factor);
  if (min_lr && *min_lr > lr)
    fail(ErrorKind::usage, "schedule.min_lr is {}, above optim.lr, which is {}", *min_lr, lr);
}

void FallingSchedule::fields(FieldVisitor& v) {
  ScheduleConfig::fields(v);
  v.field("final_factor", final_factor, "the learning rate's lowest factor", between(0, 1));
  v.field("min_lr", min_lr, "the lowest learning rate, in place of final_factor", between(0, 1e3));
}

double FallingSchedule::lowest(const ScheduleSpan& span) const {
  return min_lr && span.lr > 0 ? *min_lr / span.lr : final_factor;
}

double CosineSchedule::after_warmup(std::int64_t step, std::int64_t warmup, const ScheduleSpan& span) const {
  const double rest = static_cast<double>(std::max<std::int64_t>(1, span.total_steps - warmup));
  const double progress = std::min(1.0, static_cast<double>(step - warmup) / rest), low = lowest(span);
  return low + (1 - low) * half_cosine(progress);
}

void StepSchedule::check(double lr) const {
  FallingSchedule::check(lr);
  if (!milestones.empty() && decay_epochs != usual_decay_epochs)
    fail(ErrorKind::usage, "schedule.milestones is {} and schedule.decay_epochs {}; give one of them",
         milestones, decay_epochs);
}

void StepSchedule::fields(FieldVisitor& v) {
  FallingSchedule::fields(v);
  v.field("decay_epochs", decay_epochs, "epochs between decays",
          Bounds{.min = 0, .max = 1e6, .min_open = true});
  v.field("milestones", milestones, "epochs at which it decays; []: every decay_epochs", between(0, 1e6));
  v.field("decay_rate", decay_rate, "what a decay multiplies the learning rate by", between(0, 1));
}

double StepSchedule::after_warmup(std::int64_t step, std::int64_t, const ScheduleSpan& span) const {
  const double every = decay_epochs * span.steps_per_epoch * (1 - rounding);
  const auto passed = [&](double epoch) { return step >= span.steps(epoch); };
  const double decays = milestones.empty() ? std::floor(static_cast<double>(step) / every)
                                           : static_cast<double>(std::ranges::count_if(milestones, passed));
  return std::max(lowest(span), std::pow(decay_rate, decays));
}

void WsdSchedule::fields(FieldVisitor& v) {
  FallingSchedule::fields(v);
  v.field("decay_fraction", decay_fraction, "part of the run over which the learning rate falls",
          between(0, 1));
  v.choice("shape", shape, {{"sqrt", Shape::sqrt}, {"linear", Shape::linear}, {"cosine", Shape::cosine}},
           "how it falls: 1 - the square root of the way, linearly, or half a cosine");
}

double WsdSchedule::after_warmup(std::int64_t step, std::int64_t warmup, const ScheduleSpan& span) const {
  const double total = static_cast<double>(span.total_steps);
  const std::int64_t begin = std::max<std::int64_t>(warmup, std::llround(total * (1 - decay_fraction)));
  if (step < begin) return 1.0;
  const double rest = static_cast<double>(std::max<std::int64_t>(1, span.total_steps - begin));
  const double progress = std::min(1.0, static_cast<double>(step - begin) / rest), low = lowest(span);
  const double left = shape == Shape::sqrt     ? 1 - std::sqrt(progress)
                      : shape == Shape::linear ? 1 - progress
                                               : half_cosine(progress);
  return low + (1 - low) * left;
}

}  // namespace smlp
