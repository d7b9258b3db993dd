#include "smlp/sweep/cost.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/device/errors.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/experiment.hpp"
#include "smlp/train/run_cost.hpp"
#include "smlp/train/run_time.hpp"

namespace smlp {
namespace {

// What does not change how long a step takes.
constexpr std::array free_keys{"run.",           "init.from",       "data.fraction", "data.per_class",
                               "data.holdout",   "loss.",           "optim.lr",      "optim.weight_decay",
                               "optim.betas",    "schedule.",       "train.epochs",  "train.eval_every",
                               "train.patience", "train.log_every", "checkpoint."};

std::string what_is_measured(const RunConfig& config) {
  std::string text;
  for (const KeyRow& row : config.rows())
    if (std::ranges::none_of(free_keys, [&](const char* key) { return row.path.starts_with(key); }))
      text += fmt::format("{}: {}\n", row.path, row.value);
  return text;
}

JobCost price(const SweepJob& job, std::map<std::string, RunPace>& paces) {
  Experiment experiment = plan_experiment(copy_of(job.config));
  if (const MemoryVerdict memory = judge_memory(experiment); !memory.fits)
    fail(ErrorKind::usage, "{}: {}", job.name, memory.text);
  build_model(experiment);
  const std::string measured = what_is_measured(job.config);
  if (!paces.contains(measured)) paces[measured] = measure_pace(experiment);
  const RunCost cost = run_cost(experiment);
  return {.parameters = static_cast<double>(total(experiment.costs()).parameters),
          .images = cost.images,
          .macs = cost.training_macs,
          .seconds = seconds_of_run(experiment, paces[measured])};
}

}  // namespace

std::vector<JobCost> price_sweep(const SweepPlan& plan) {
  std::vector<JobCost> costs;
  std::map<std::string, RunPace> paces;
  ProgressBar progress("measuring", std::ssize(plan.jobs));
  for (const SweepJob& job : plan.jobs) {
    progress.update(std::ssize(costs), job.name);
    if (stop_signal() != 0) throw Interrupted("stopped: nothing was written");
    costs.push_back(with_errors([&] { return price(job, paces); }));
  }
  return costs;
}

}  // namespace smlp
