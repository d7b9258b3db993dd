#include "smlp/train/run_record.hpp"

#include <algorithm>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/train/describe.hpp"
#include "smlp/train/run_folder.hpp"

namespace smlp {
namespace {

TrainingState new_state(const Experiment& experiment) {
  TrainingState state;
  state.classes = experiment.train_set->info().classes;
  state.data_fingerprint = experiment.train_set->fingerprint();
  state.normalization = experiment.normalization;
  state.config = experiment.config.yaml();
  return state;
}

TrainingState saved_state(const Experiment& experiment, const fs::path& checkpoint,
                          const std::vector<CheckpointPart>& parts) {
  if (read_state(checkpoint).data_fingerprint != experiment.train_set->fingerprint())
    fail(ErrorKind::data,
         "{}: it was trained on other images than those of {}; resume with the data of the run",
         checkpoint.string(), experiment.train_set->description());
  TrainingState state = load_checkpoint(checkpoint, parts, CheckpointPart::Needed::to_resume);
  state.config = experiment.config.yaml();
  return state;
}

}  // namespace

RunRecord::RunRecord(const Experiment& experiment, fs::path run, std::vector<CheckpointPart> parts,
                     const std::optional<fs::path>& checkpoint)
    : plan_(experiment.plan),
      config_(experiment.config.checkpoint),
      world_(experiment.world),
      run_(std::move(run)),
      parts_(std::move(parts)) {
  if (world_->writes())
    lock_.emplace(run_ / "lock", fmt::format("{}: this run is being written", run_.string()));
  state_ = checkpoint ? saved_state(experiment, *checkpoint, parts_) : new_state(experiment);
  outdated_ = state_.evaluation_due;
  if (!world_->writes()) return;
  // The header of a run that goes on is no part of its log, which ends as if it had never stopped.
  if (checkpoint)
    log().info("{}\nresumed    {} at step {}", describe(experiment), run_.string(), state_.step);
  if (checkpoint) drop_checkpoints_after(run_, state_.step);
  remove_temporaries(run_);
  write_run_files(run_, experiment);
  sinks_.emplace(run_, checkpoint ? &state_.log_sizes : nullptr);
  if (!checkpoint) log().info("{}\nrun        {}", describe(experiment), run_.string());
}

void RunRecord::write(const MetricRow& row) {
  if (sinks_) sinks_->write(row);
}

bool RunRecord::offer_best(const BestResult& result) {
  if (state_.best.epoch != 0 && result.score <= state_.best.score) return false;
  state_.best = result;
  return true;
}

bool RunRecord::save_due(std::int64_t step_before) const {
  const std::int64_t before = plan_.epochs_at(step_before), now = plan_.epochs_at(state_.step);
  const auto kept = [&](std::int64_t epoch) { return epoch > before && epoch <= now; };
  const bool by_epochs =
      config_.every_epochs > 0 && now / config_.every_epochs > before / config_.every_epochs;
  const bool by_steps = config_.every_steps > 0 && state_.step % config_.every_steps == 0;
  const bool by_minutes =
      config_.every_minutes > 0 && since_save_.seconds() > 60.0 * static_cast<double>(config_.every_minutes);
  const bool due = by_epochs || by_steps || by_minutes || state_.step == plan_.total_steps() ||
                   std::any_of(config_.keep_epochs.begin(), config_.keep_epochs.end(), kept);
  return world_->any(due);  // clocks differ
}

void RunRecord::save() {
  if (sinks_) write_checkpoint();
  since_save_ = Stopwatch();
}

void RunRecord::write_checkpoint() {
  state_.log_sizes = sinks_->sync();
  const bool replace = std::exchange(outdated_, false);
  const fs::path saved = save_checkpoint(run_, parts_, state_, replace);
  if (config_.keep_best > 0 && state_.best.step == state_.step && state_.best.epoch > 0) link_best(saved);
  std::vector<std::int64_t> keep_steps;
  for (const std::int64_t epoch : config_.keep_epochs) keep_steps.push_back(plan_.step_of_epoch(epoch));
  prune_checkpoints(run_, config_.keep_last, keep_steps);
}

}  // namespace smlp
