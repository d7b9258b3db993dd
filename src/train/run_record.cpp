#include "smlp/train/run_record.hpp"

#include <algorithm>
#include <utility>

#include "blame_file.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/describe.hpp"
#include "smlp/train/run_folder.hpp"

namespace smlp {
namespace {

ImagePreparation preparation_of(const DatasetInfo& info) {
  return {info.image_size, info.resize, info.decode};
}

TrainingState new_state(const Experiment& experiment) {
  TrainingState state;
  state.preparation = preparation_of(experiment.train_set->info());
  state.classes = experiment.train_set->info().classes;
  state.data_fingerprint = experiment.train_set->fingerprint();
  state.normalization = experiment.normalization;
  state.config = experiment.config.yaml();
  return state;
}

void check_goes_on(const Experiment& experiment, const fs::path& checkpoint, const TrainingState& saved) {
  if (saved.data_fingerprint != experiment.train_set->fingerprint())
    fail(ErrorKind::data,
         "{}: it was trained on other images than those of {}; resume with the data of the run",
         checkpoint.string(), experiment.train_set->description());
  if (saved.step > experiment.plan.total_steps())
    fail(ErrorKind::usage,
         "{}: at step {} it is past the end of {}, which is step {}; give more --epochs, or go back to "
         "an earlier checkpoint with --resume",
         checkpoint.string(), saved.step, counted(experiment.plan.epochs, "epoch"),
         experiment.plan.total_steps());
}

// A schedule that depends on the run's length is not what it was when that changes.
void tell_new_rate(const Experiment& e, const fs::path& checkpoint, const TrainingState& saved) {
  if (e.solves_head()) return;
  const std::string source = state_file(checkpoint).string();
  const RunConfig before = blame_file([&] { return parse_run_config(saved.config, source, {}); });
  StepPlan plan = e.plan;
  plan.epochs = before.train.epochs;
  const std::int64_t then = plan.total_steps(), now = e.plan.total_steps(), last = std::min(then, now) - 1;
  const auto planned = [&](std::int64_t step) { return e.rate_at(step, plan); };
  const auto next = [&](std::int64_t step) { return e.rate_at(step, e.plan); };
  const bool same = next(saved.step) == planned(saved.step) && next(last) == planned(last);
  if (saved.step == now || same) return;
  log().info("schedule   {} is {} from {} to {} steps: the rate was {:.3g} and goes on at {:.3g}",
             e.config.schedule.name, now > then ? "stretched" : "shortened", then, now,
             planned(std::max<std::int64_t>(saved.step - 1, 0)), next(saved.step));
}

void tell_finished(const Experiment& e, const TrainingState& saved) {
  const std::int64_t since = saved.evaluations_since_best, patience = e.config.train.patience;
  if (saved.evaluation_due) return;
  if (saved.step == e.plan.total_steps())
    log().info(
        "finished   {}, nothing is trained; {}",
        e.plan.epochs == 1 ? "its epoch is done" : fmt::format("all {} epochs are done", e.plan.epochs),
        e.solves_head() ? "the head is solved for" : "to go on, resume with more --epochs");
  else if (patience > 0 && since >= patience)
    log().info(
        "finished   train.patience ended it: {} evaluations without a better one; to go on, resume with "
        "--set "
        "train.patience=N above {}, or 0",
        since, since);
}

TrainingState saved_state(const Experiment& experiment, const fs::path& run, const fs::path& checkpoint,
                          const std::vector<CheckpointPart>& parts) {
  check_goes_on(experiment, checkpoint, read_state(checkpoint));
  check_same_test_images(experiment, run);
  return load_checkpoint(checkpoint, parts, CheckpointPart::Needed::to_resume);
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
  state_ = checkpoint ? saved_state(experiment, run_, *checkpoint, parts_) : new_state(experiment);
  outdated_ = state_.evaluation_due;
  if (!world_->writes()) return;
  fs::create_directory(run_ / "checkpoints");
  rehearse_writing(run_ / "checkpoints");
  // The header of a run that goes on is no part of its log, which ends as if it had never stopped.
  if (checkpoint) {
    log().info("{}\nresumed    {} at step {}", describe(experiment), run_.string(), state_.step);
    tell_new_rate(experiment, *checkpoint, state_);
    tell_finished(experiment, state_);
    go_on();
    state_.config = experiment.config.yaml();
    state_.preparation = preparation_of(experiment.train_set->info());
  }
  remove_temporaries(run_);
  write_run_files(run_, experiment);
  sinks_.emplace(run_, checkpoint ? &state_.log_sizes : nullptr);
  if (!checkpoint) log().info("{}\nrun        {}", describe(experiment), run_.string());
}

// First what can refuse, then what deletes.
void RunRecord::go_on() {
  check_logs(run_, state_.log_sizes);
  adopt_copied_links(run_);
  save_checkpoint(run_, parts_, state_);  // where it was a copy of another name
  drop_checkpoints_after(run_, state_.step);
  link_checkpoints(state_);
}

void RunRecord::write(const MetricRow& row) {
  if (sinks_) sinks_->write(row);
}

void RunRecord::write(const UnappliedStep& step) {
  if (sinks_) sinks_->write(step);
}

bool RunRecord::offer_best(const BestResult& result) {
  if (state_.best.epoch != 0 && result.score <= state_.best.score) {
    ++state_.evaluations_since_best;
    return false;
  }
  state_.best = result;
  state_.evaluations_since_best = 0;
  return true;
}

bool RunRecord::save_due(std::int64_t step_before) {
  explained([&] { writer_.check(); });
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

void RunRecord::check_is_there() const {
  for (const char* file : {"config.yaml", "metrics.jsonl"})
    if (std::error_code other; fs::status(run_ / file, other).type() == fs::file_type::not_found)
      fail(ErrorKind::failed,
           "{}: its {} is gone: the run was moved or removed while it trained. `smlp train --resume "
           "PLACE` goes on from its last checkpoint, where it is now",
           run_.string(), file);
}

// What goes wrong with the writer is its folder's, where that is gone.
void RunRecord::explained(const std::function<void()>& writing) const {
  try {
    writing();
  } catch (const std::exception&) {
    check_is_there();
    throw;
  }
}

// Written to a folder made anew under the name, it would be a checkpoint and no run.
void RunRecord::save() {
  since_save_ = Stopwatch();
  if (!sinks_ || (saved_step_ == state_.step && !outdated_)) return;
  check_is_there();
  state_.log_sizes = sinks_->sizes();
  saved_step_ = state_.step;
  explained([&] {
    writer_.start(parts_,
                  [this, state = state_, replace = std::exchange(outdated_, false)](
                      const std::vector<CheckpointPart>& parts) { write_checkpoint(parts, state, replace); });
  });
}

void RunRecord::finish() {
  explained([&] { writer_.wait(); });
}

void RunRecord::write_checkpoint(const std::vector<CheckpointPart>& parts, const TrainingState& state,
                                 bool replace) {
  sinks_->sync();
  save_checkpoint(run_, parts, state, replace);
  link_checkpoints(state);
  std::vector<std::int64_t> keep_steps;
  for (const std::int64_t epoch : config_.keep_epochs) keep_steps.push_back(plan_.step_of_epoch(epoch));
  if (config_.keep_best > 0) keep_steps.push_back(state.best.step);
  prune_checkpoints(run_, config_.keep_last, keep_steps);
}

void RunRecord::end(SessionEnd end, const std::string& reason) {
  if (!world_->writes()) return;
  try {
    writer_.wait();
  } catch (const std::exception& error) {
    log().warn("the last checkpoint is not there: {}", error.what());
  }
  try {
    end_last_session(run_, end, reason);
  } catch (const Error& error) {
    log().warn("how this session ended is not kept: {}", error.what());
  }
}

// A run without links is whole.
void RunRecord::link_checkpoints(const TrainingState& state) {
  const bool best = config_.keep_best > 0 && state.best.epoch > 0;
  try {
    if (linked_) update_links(run_, state.step, best ? std::optional(state.best.step) : std::nullopt);
  } catch (const Error& error) {
    linked_ = false;
    log().warn("no links to the last and the best checkpoint: {}; --resume and eval find both without them",
               error.what());
  }
}

}  // namespace smlp
