#include "smlp/train/session.hpp"

#include <string.h>

#include "folder_checks.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/text.hpp"
#include "smlp/device/errors.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/describe.hpp"
#include "smlp/train/run_cost.hpp"
#include "smlp/train/run_folder.hpp"
#include "smlp/train/run_time.hpp"
#include "smlp/train/trainer.hpp"
#include "smlp/train/transfer.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t few_steps = 100, few_steps_of_a_head = 200;

// Where a run goes on from.
struct Resume {
  fs::path run;
  std::optional<fs::path> checkpoint;  // none: it was cut off before its first one
};

std::optional<fs::path> newest_to_resume(const fs::path& run) {
  try {
    return newest_checkpoint(run, true);
  } catch (const Error& error) {
    fail(error.kind(), "{}; to go on from an older checkpoint, give it to --resume", error.what());
  }
}

Resume at_run(const fs::path& run) {
  const std::optional<fs::path> newest = newest_to_resume(run);
  if (!newest) {
    check_begins_anew(run);
    log().info("{} has no checkpoint to go on from: it begins at its first step", run.string());
    return {run, std::nullopt};
  }
  const fs::path last = run / "checkpoints" / "last";
  std::error_code none;
  if (fs::read_symlink(last, none) != newest->filename())
    log().warn("{} is not a link to the newest checkpoint: going on from {}", last.string(),
               newest->filename().string());
  return {run, newest};
}

std::optional<Resume> find_resume(const RunConfig& config, const std::optional<std::string>& resume) {
  if (!resume) return std::nullopt;
  if (*resume == "auto") {
    const auto run = find_resumable(config);
    return run ? std::optional(at_run(*run)) : std::nullopt;
  }
  const fs::path run = find_run(*resume);
  return is_checkpoint(*resume) ? Resume{run, *resume} : at_run(run);
}

// Nothing is wrong with such a run but what may be expected of it.
void warn_of_few_steps(const Experiment& e) {
  if (e.solves_head()) return;
  const StepPlan& plan = e.plan;
  if (plan.batch_size > plan.images)
    log().warn(
        "the batch of {} is larger than the set of {} training images: a step takes each of them {:.3g} "
        "times, and {} are {}; lower --batch-size",
        plan.batch_size, plan.images, static_cast<double>(plan.batch_size) / static_cast<double>(plan.images),
        counted(plan.epochs, "epoch"), counted(plan.total_steps(), "step"));
  const bool probes = e.body_frozen() && e.config.init.new_head;
  if (plan.total_steps() < (probes ? few_steps_of_a_head : few_steps))
    log().warn("few steps{}: {} in all; raise --epochs or --lr, lower --batch-size{}",
               probes ? " for a new head" : "", plan.total_steps(),
               probes               ? ", or use `smlp probe --method ridge`"
               : e.config.init.from ? ", or take --config finetune_small.yaml"
                                    : "");
  if (const std::int64_t rise = e.config.schedule->warmup(e.schedule_span(plan)); rise >= plan.total_steps())
    log().warn("the warm-up of {} takes the whole run, which is {} long: the rate never reaches optim.lr",
               counted(rise, "step"), plan.total_steps());
}

// Refuses a run that can never fit, before its model is built. Of a dry run: what to say then, "" where it
// fits.
std::string check_memory(const Experiment& experiment, bool dry_run) {
  const MemoryVerdict memory = judge_memory(experiment);
  if (memory.fits && !memory.text.empty()) log().warn("{}", memory.text);
  if (memory.fits) return "";
  if (!dry_run) fail(ErrorKind::usage, "{}", memory.text);
  return fmt::format("{}\nmemory     {}", describe(experiment), memory.text);
}

fs::path open_run_folder(Experiment& experiment, const std::optional<Resume>& resume) {
  if (!resume) return make_run_folder(experiment);
  fs::path run = without_trailing_slash(resume->run);
  if (run == "." || run.filename() == "..") run = without_trailing_slash(fs::absolute(run));
  experiment.config.run.name = run.filename().string();
  experiment.config.run.output = run.has_parent_path() ? run.parent_path().string() : ".";
  return run;
}

Outcome outcome_of(const TrainResult& result, const Experiment& experiment, const fs::path& run) {
  Outcome outcome{.end = result.finished ? Outcome::End::finished : Outcome::End::stopped,
                  .run = run,
                  .plan = {},
                  .step = result.step,
                  .epochs = experiment.plan.epochs_at(result.step),
                  .out_of_patience = result.out_of_patience,
                  .has_top5 = experiment.train_set->classes() > 5,
                  .best = result.best,
                  .chosen_on_test = experiment.subset.holdout.empty(),
                  .memory = result.memory,
                  .device_memory = result.device_memory};
  if (result.last)
    outcome.loss = result.last->loss, outcome.top1 = result.last->top1, outcome.top5 = result.last->top5;
  return outcome;
}

// "SIGTERM"; "" for none.
std::string signal_name(int number) {
  const char* const name = number == 0 ? nullptr : ::sigabbrev_np(number);
  return name == nullptr ? "" : fmt::format("SIG{}", name);
}

// The run says how its session ended, also where that was an error.
TrainResult train_to_an_end(Trainer& trainer) {
  try {
    TrainResult result = with_errors([&] { return trainer.run(); });
    if (result.finished)
      trainer.record().end(SessionEnd::finished);
    else
      trainer.record().end(SessionEnd::stopped, signal_name(stop_signal()));
    return result;
  } catch (const Error& error) {
    trainer.record().end(SessionEnd::failed, error.what());
    throw;
  }
}

Outcome run_unguarded(RunConfig config, const SessionOptions& options) {
  keep_stop_signals(config.run.stop_signals);
  const std::optional<Resume> resume = find_resume(config, options.resume);
  if (options.needs_weights && !config.init.from && !resume)
    fail(ErrorKind::usage, "nothing to start from: give --from RUN_OR_CHECKPOINT, or --resume RUN");
  if (resume) config.resolved = check_same_run(config, resume->run, resume->checkpoint);
  Experiment experiment = plan_experiment(std::move(config), std::make_shared<World>(),
                                          resume ? Resolve::as_before : Resolve::anew);
  const std::string unfit = check_memory(experiment, options.dry_run);
  if (!unfit.empty()) return {.plan = unfit};
  build_model(experiment);
  const bool starts_anew = !resume || !resume->checkpoint;
  if (starts_anew) {
    const std::string weights = load_initial_weights(experiment);
    if (!weights.empty()) log().info("{}", weights);
    warn_of_few_steps(experiment);
  }
  if (options.dry_run) {
    const RunPace pace = measure_pace(experiment);
    return {.plan = fmt::format("{}\n{}\n{}", describe(experiment), describe_cost(experiment),
                                describe_run_time(experiment, pace)),
            .seconds = seconds_of_run(experiment, pace)};
  }
  const fs::path run = open_run_folder(experiment, resume);
  Trainer trainer(experiment, run, resume ? resume->checkpoint : std::nullopt);
  return outcome_of(train_to_an_end(trainer), experiment, run);
}

}  // namespace

Outcome run_session(RunConfig config, const SessionOptions& options) {
  return with_errors([&] { return run_unguarded(std::move(config), options); });
}

RunConfig with_seed(const RunConfig& config, std::int64_t seed) {
  RunConfig own =
      copy_of(config, {make_override("run.seed", std::to_string(seed), fmt::format("--seeds {}", seed))});
  if (own.run.name) own.run.name = fmt::format("{}-seed{}", *own.run.name, seed);
  return own;
}

std::filesystem::path config_of_run(const std::filesystem::path& run_or_checkpoint) {
  return find_run(run_or_checkpoint) / "config.yaml";
}

}  // namespace smlp
