#include "smlp/sweep/trials.hpp"

#include <cmath>

#include "smlp/core/error.hpp"
#include "smlp/run/checkpoint_folders.hpp"

namespace smlp {
namespace {

const SweepJob& training_of(const SweepPlan& plan, const SweepJob& job) {
  return job.after ? plan.jobs[*job.after] : job;
}

void count_model(const SweepPlan& plan, const SweepJob& trained, Trial& trial) {
  const std::size_t classes = read_state(find_checkpoint(plan.folder / trained.name)).classes.size();
  const CostRow costs =
      total(trained.config.model->costs(trained.config.data.image_size, static_cast<int>(classes)));
  trial.parameters = static_cast<double>(costs.parameters);
  trial.macs = static_cast<double>(costs.macs);
}

Trial trial_of(const SweepPlan& plan, const SweepJob& job, const JobState& state) {
  Trial trial;
  trial.settings = job.settings;
  trial.seed = job.config.run.seed;
  trial.score = state.holdout_top1;
  trial.top1 = state.top1;
  if (job.after) {
    const std::int64_t last = training_of(plan, job).config.train.epochs;
    trial.settings.emplace_back("epoch", std::to_string(job.epoch == 0 ? last : job.epoch));
  }
  return trial;
}

}  // namespace

Trials trials_of(const SweepPlan& plan, const std::vector<JobState>& states, const std::string& downstream,
                 bool count_models) {
  Trials trials;
  bool any = false;
  for (std::size_t i = 0; i < plan.jobs.size(); ++i) {
    const SweepJob& job = plan.jobs[i];
    if (job.kind != downstream) continue;
    any = true;
    if (states[i].status != JobState::Status::finished || !std::isfinite(states[i].top1)) {
      ++trials.left_out[status_word(states[i].status)];
      continue;
    }
    trials.finished.push_back(trial_of(plan, job, states[i]));
    if (!std::isfinite(trials.finished.back().score)) ++trials.without_holdout;
    if (count_models) count_model(plan, training_of(plan, job), trials.finished.back());
  }
  if (!any) fail(ErrorKind::usage, "--downstream {}: nothing in the sweep's `then` is called so", downstream);
  if (!trials.held_out())
    for (Trial& trial : trials.finished) trial.score = trial.top1;
  return trials;
}

}  // namespace smlp
