#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "smlp/batches/loader.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/stopwatch.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/evaluator.hpp"
#include "smlp/train/experiment.hpp"
#include "smlp/train/features.hpp"
#include "smlp/train/metrics.hpp"
#include "smlp/train/run_folder.hpp"
#include "smlp/train/sinks.hpp"

namespace smlp {

struct TrainResult {
  bool finished = false;  // false: stopped by stop_signal(), checkpoint saved
  std::int64_t step = 0;
  std::optional<EvaluationResult> last;  // of the test split (of the held-out part when there is none)
  BestResult best;
  std::int64_t memory = 0;  // bytes of anonymous memory at the most, as seen at log steps
};

// The one training loop. Step s takes samples [s·B, (s+1)·B) of the run; between log steps nothing waits for
// the device. At the end of an epoch: evaluation, log files, checkpoint, in this order.
class Trainer {
 public:
  // Writes to `run`, a folder made by make_run_folder; goes on from `checkpoint` when given.
  Trainer(Experiment& experiment, std::filesystem::path run,
          const std::optional<std::filesystem::path>& checkpoint);

  // Trains to the last epoch, or to a stop signal. Error(not_finite) after train.max_bad_steps bad steps in a
  // row.
  TrainResult run();

  // One optimiser step, or the head solved for; false when a stop signal came first: the step is not counted
  // and is done again by whoever goes on.
  bool train_step();

 private:
  struct StepSums {
    torch::Tensor loss, right;  // over the step's images
  };
  std::optional<StepSums> forward_backward(const Batch& batch);
  torch::Tensor logits_for(const torch::Tensor& images);
  void restore_buffers(const std::vector<torch::Tensor>& saved, const torch::Tensor* where_bad);
  std::vector<torch::Tensor> copy_buffers() const;

  bool after_step(std::int64_t step_before);
  bool evaluate_epoch();
  std::optional<EvaluationResult> evaluate_on(const std::string& name, std::shared_ptr<const Dataset> dataset,
                                              const std::vector<std::int64_t>& indices);
  void take_sums();
  void log_step();
  void save();
  void resume_from(const std::filesystem::path& checkpoint);
  bool prepare();  // false when a stop signal came first
  bool compute_features();
  bool solve_head();
  std::shared_ptr<const BatchSource> training_source();
  double lr_now() const;

  Experiment& experiment_;
  std::filesystem::path run_;
  FileLock lock_;  // a second process that would write the run is refused
  std::unique_ptr<Optimizer> optimizer_;
  const bool body_frozen_;  // only the head is trained; the body stays in evaluation mode
  std::optional<FeatureCache> features_;
  std::unique_ptr<Sinks> sinks_;
  std::unique_ptr<BatchLoader> loader_;
  std::unique_ptr<ProgressBar> progress_;
  RunningSums sums_;
  TrainingState state_;
  std::optional<EvaluationResult> last_;
  std::int64_t total_steps_;
  bool checkpoint_outdated_ = false;  // the one gone on from was made before its step's evaluation
  Stopwatch training_time_;           // without evaluations and saves
  Stopwatch since_save_;
  double logged_seconds_ = 0;  // training_time_ at the last log step
  double wait_seconds_ = 0;    // for data, since then
  std::int64_t logged_step_ = 0;
  std::string progress_text_;
};

}  // namespace smlp
