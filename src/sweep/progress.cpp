#include "smlp/sweep/progress.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "smlp/core/claim.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/run/results.hpp"
#include "smlp/run/run_status.hpp"
#include "smlp/run/sessions.hpp"
#include "smlp/run/step_plan.hpp"
#include "smlp/train/config_files.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t longest_reason = 64 << 10;

fs::path run_of(const SweepPlan& plan, const SweepJob& job) {
  return plan.folder / job.name;
}

std::string first_line(const std::string& text) {
  return printable(text.substr(0, text.find('\n')));
}

// When a run's first session began; "": it does not say.
std::string began(const fs::path& run) {
  const std::vector<RunSession> sessions = read_sessions(run);
  return sessions.empty() ? "" : sessions.front().start;
}

// Why what follows another was not begun from the weights that are there now; "": it was.
std::string outdated(const SweepPlan& plan, const SweepJob& job, const RunConfig& stored) {
  if (!job.after || !stored.init.from) return "";
  const std::string& source = plan.jobs[*job.after].name;
  const std::string start = began(run_of(plan, job));  // a kill may have left it unsaid
  if (!start.empty() && start < began(plan.folder / source))
    return fmt::format("it began before {}, which was trained anew since; move it away", source);
  const auto newest = newest_checkpoint(plan.folder / source);
  const fs::path from = fs::path(*stored.init.from).filename();
  if (job.epoch != 0 || !newest || newest->filename() == from) return "";
  return fmt::format("it began at {}, and {} has trained on since; move it away", from.string(), source);
}

void set_failed(JobState& state, const std::string& reason) {
  state.status = JobState::Status::failed;
  state.reason = first_line(reason);
}

void read_run(const SweepPlan& plan, const SweepJob& job, JobState& state) {
  const fs::path run = run_of(plan, job);
  const RunConfig stored = load_run_config((run / "config.yaml").string(), {});
  const RunResults results = read_results(run);
  const Evaluation last = results.evaluations.empty() ? Evaluation{} : results.evaluations.back();
  state.epoch = std::min(results.epoch, static_cast<double>(stored.train.epochs));
  state.seconds = std::isfinite(last.train_seconds) ? last.train_seconds : 0;
  state.top1 = last.top1;
  state.holdout_top1 = last.holdout_top1;
  const std::string status = run_status(run);
  if (status == "running")
    state.status = JobState::Status::running;
  else if (const std::string why = outdated(plan, job, stored); !why.empty())
    set_failed(state, why);
  else if (state.epoch > static_cast<double>(job.config.train.epochs))
    set_failed(state, fmt::format("it was trained for {:g} epochs, and the sweep says {}; move it away",
                                  state.epoch, job.config.train.epochs));
  else if (status == "finished" && stored.train.epochs >= job.config.train.epochs)
    state.status = JobState::Status::finished;
  else
    state.status = JobState::Status::stopped;
}

// Jobs that take about as long for an epoch of as many images.
struct Pace {
  double macs = 0, seconds = 0, epochs = 0;  // of a forward pass; of epochs of the whole set
};

double macs_of(const SweepJob& job) {
  constexpr int few_classes = 10;
  return static_cast<double>(total(job.config.model->costs(job.config.data.image_size, few_classes)).macs);
}

double share_of(const SweepJob& job) {  // of the set that an epoch is
  return job.config.data.subset.fraction;
}

// Kind and model: "probe: b_mlp (…)".
using Paces = std::map<std::string, std::map<std::string, Pace>>;

std::string model_of(const SweepJob& job) {
  return fmt::format("{} ({})", job.config.model.name, job.config.model->sizes());
}

Paces measured_paces(const SweepPlan& plan, const std::vector<JobState>& states) {
  Paces paces;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (states[i].seconds <= 0 || states[i].epoch <= 0) continue;
    Pace& pace = paces[plan.jobs[i].kind][model_of(plan.jobs[i])];
    pace.macs = macs_of(plan.jobs[i]);
    pace.seconds += states[i].seconds;
    pace.epochs += states[i].epoch * share_of(plan.jobs[i]);
  }
  return paces;
}

// Seconds of an epoch of the whole set.
double pace_for(const SweepJob& job, const Paces& paces) {
  const auto kind = paces.find(job.kind);
  if (kind == paces.end()) return Evaluation::none;
  if (const auto same = kind->second.find(model_of(job)); same != kind->second.end())
    return same->second.seconds / same->second.epochs;
  const double macs = macs_of(job);
  const auto distance = [&](const auto& entry) { return std::abs(std::log(entry.second.macs / macs)); };
  const auto& nearest = std::ranges::min_element(kind->second, {}, distance)->second;
  return nearest.seconds / nearest.epochs * macs / nearest.macs;
}

}  // namespace

JobState state_of(const SweepPlan& plan, const SweepJob& job) {
  JobState state;
  try {
    if (fs::exists(run_of(plan, job) / "config.yaml")) read_run(plan, job, state);
  } catch (const Error& error) {
    set_failed(state, error.what());
  }
  if (state.status == JobState::Status::finished) return state;
  state.by = owner_of_claim(claim_file(plan, job));
  if (!state.by.empty()) {
    state.status = JobState::Status::running;
  } else if (state.status != JobState::Status::running && state.reason.empty() &&
             fs::exists(error_file(plan, job))) {
    set_failed(state, read_file(error_file(plan, job), longest_reason));
  }
  return state;
}

std::vector<JobState> states_of(const SweepPlan& plan) {
  std::vector<JobState> states;
  for (const SweepJob& job : plan.jobs) states.push_back(state_of(plan, job));
  return states;
}

const char* status_word(JobState::Status status) {
  constexpr const char* words[] = {"waiting", "running", "stopped", "failed", "finished"};
  return words[static_cast<int>(status)];
}

fs::path weights_of(const SweepPlan& plan, const SweepJob& job) {
  const SweepJob& source = plan.jobs.at(job.after.value());
  const fs::path run = run_of(plan, source);
  if (!newest_checkpoint(run))
    fail(ErrorKind::data, "{} has lost its checkpoints: move it away, and it is trained again", run.string());
  if (job.epoch == 0) return find_checkpoint(run);
  const StepPlan steps{.images = images_of_epoch(run, source.config.data.subset),
                       .epochs = source.config.train.epochs,
                       .batch_size = source.config.train.batch_size};
  fs::path checkpoint = checkpoint_folder(run, steps.step_of_epoch(job.epoch));
  if (!is_checkpoint(checkpoint))
    fail(ErrorKind::data, "{}: the checkpoint of epoch {} is not there: checkpoint.keep_epochs came later",
         checkpoint.string(), job.epoch);
  return checkpoint;
}

double seconds_left(const SweepPlan& plan, const std::vector<JobState>& states) {
  const Paces paces = measured_paces(plan, states);
  double seconds = 0;
  for (std::size_t i = 0; i < states.size(); ++i) {
    const SweepJob& job = plan.jobs[i];
    if (states[i].status == JobState::Status::finished || states[i].status == JobState::Status::failed)
      continue;
    seconds += pace_for(job, paces) * share_of(job) *
               (static_cast<double>(job.config.train.epochs) - states[i].epoch);
  }
  return seconds;
}

fs::path claim_file(const SweepPlan& plan, const SweepJob& job) {
  return plan.folder / "jobs" / (job.name + ".claim");
}

fs::path error_file(const SweepPlan& plan, const SweepJob& job) {
  return plan.folder / "jobs" / (job.name + ".error");
}

}  // namespace smlp
