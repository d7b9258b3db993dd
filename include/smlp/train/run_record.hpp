#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smlp/core/file_lock.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/stopwatch.hpp"
#include "smlp/run/sessions.hpp"
#include "smlp/run/sinks.hpp"
#include "smlp/train/checkpoint_writer.hpp"
#include "smlp/train/experiment.hpp"

namespace smlp {

// A run's folder while it is written: its lock, its state, log files, checkpoints and the best of them. Only
// the world's writing rank changes files; the others read the checkpoint they go on from.
class RunRecord {
 public:
  // `run` is a folder made by make_run_folder(); `parts` are the live tensors that checkpoints hold. With
  // `checkpoint` it goes on from there: tensors and state are read, and once all is known to be in order
  // later checkpoints are deleted and logs cut back. A folder that another process writes or that cannot be
  // written to, a checkpoint of other images or of more steps than the run is to have: Error, and nothing is
  // changed.
  RunRecord(const Experiment& experiment, std::filesystem::path run, std::vector<CheckpointPart> parts,
            const std::optional<std::filesystem::path>& checkpoint);

  const std::filesystem::path& folder() const { return run_; }
  TrainingState& state() { return state_; }

  void write(const MetricRow& row);
  void write(const UnappliedStep& step);

  // Keeps an evaluation that is better than all before it, and counts those that are not; whether it was.
  bool offer_best(const BestResult& result);

  // Whether the steps since `step_before` passed a point where CheckpointConfig wants a checkpoint.
  bool save_due(std::int64_t step_before);

  // A checkpoint of the state and tensors as they are, written beside what follows, and the logs made durable
  // with it. Whether it fell through is thrown by a later save(), save_due() or finish().
  void save();
  void finish();  // returns when the last checkpoint is durable

  // After the last checkpoint. Says in env.json how this session ends; where that cannot be written, a
  // warning does.
  void end(SessionEnd end, const std::string& reason = "");

 private:
  void go_on();
  void check_is_there() const;
  void explained(const std::function<void()>& writing) const;
  void write_checkpoint(const std::vector<CheckpointPart>& parts, const TrainingState& state, bool replace);
  void link_checkpoints(const TrainingState& state);

  const StepPlan plan_;
  const CheckpointConfig config_;
  const std::shared_ptr<World> world_;
  const std::filesystem::path run_;
  const std::vector<CheckpointPart> parts_;
  std::optional<FileLock> lock_;  // a second process that would write the run is refused
  std::optional<Sinks> sinks_;
  TrainingState state_;
  bool linked_ = true;            // as far as is known, the file system has links
  bool outdated_ = false;         // the checkpoint gone on from was made before its step's evaluation
  std::int64_t saved_step_ = -1;  // of the checkpoint that was made, or is being made
  Stopwatch since_save_;
  CheckpointWriter writer_;  // last: its thread uses the others
};

}  // namespace smlp
