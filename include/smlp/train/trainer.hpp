#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "smlp/batches/loader.hpp"
#include "smlp/core/log.hpp"
#include "smlp/train/divergence.hpp"
#include "smlp/train/metrics.hpp"
#include "smlp/train/run_batches.hpp"
#include "smlp/train/run_record.hpp"

namespace smlp {

struct TrainResult {
  bool finished = false;         // false: stopped by stop_signal(), checkpoint saved
  bool out_of_patience = false;  // before the last epoch
  std::int64_t step = 0;
  std::optional<EvaluationResult> last;  // of the test split (of the held-out part when there is none)
  BestResult best;
  std::int64_t memory = 0;         // bytes of anonymous memory at the most, as seen at log steps
  std::int64_t device_memory = 0;  // bytes of tensors on a CUDA device at the most
};

// The step that a run takes.
TrainingStep make_step(const Experiment& experiment);

// The one training loop: TrainingStep over the run's batches, with what falls due between steps written to
// its RunRecord. Between log steps nothing waits for the device. At the end of an epoch: evaluation, log
// files, checkpoint, in this order.
class Trainer {
 public:
  // Writes to `run`, a folder made by make_run_folder; goes on from `checkpoint` when given.
  Trainer(Experiment& experiment, const std::filesystem::path& run,
          const std::optional<std::filesystem::path>& checkpoint);

  // Trains to the last epoch, to the end of train.patience, or to a stop signal. Error(not_finite) after
  // train.max_bad_steps bad steps in a row, or where the last evaluation's loss is not finite.
  TrainResult run();

  RunRecord& record() { return record_; }

 private:
  bool prepare();     // false when a stop signal came first; so do those below
  bool train_step();  // a step that was stopped is not counted, and done again by whoever goes on
  bool solve_head();
  bool after_step(std::int64_t step_before);
  struct PartResults {
    std::optional<EvaluationResult> held, test;
    const EvaluationResult& last() const { return test ? *test : *held; }
    double score() const { return held ? held->top1 : test->top1; }
  };
  std::optional<PartResults> evaluate_parts();
  bool evaluate_epoch();
  void write_evaluation(const PartResults& now, const std::optional<PartResults>& averaged);
  void log_epoch(const PartResults& now, const std::optional<PartResults>& averaged);
  void log_step();
  void take_sums();
  void write_unapplied(const std::vector<RunningSums::Reading::Unapplied>& steps);
  void save();
  bool out_of_patience() const;
  double lr_at(std::int64_t step) const;  // of parameters without a rate of their own

  Experiment& experiment_;
  const StepPlan plan_;
  const ScheduleSpan span_;
  TrainingStep step_;
  RunRecord record_;
  TrainingState& state_;
  RunBatches batches_;
  RunningSums sums_;
  DivergenceWatch divergence_;
  std::shared_ptr<const BatchSource> training_;
  std::unique_ptr<BatchLoader> loader_;
  std::unique_ptr<ProgressBar> progress_;
  std::string progress_text_;
  std::optional<EvaluationResult> last_;  // of the trained weights
  Stopwatch training_time_;               // without evaluations and saves
  double taken_seconds_ = 0;              // training_time_ when the sums were last taken
  double wait_seconds_ = 0;               // for data, since then
};

}  // namespace smlp
