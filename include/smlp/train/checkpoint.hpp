#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "smlp/data/dataset.hpp"
#include "smlp/models/model.hpp"
#include "smlp/optim/optimizer.hpp"
#include "smlp/train/metrics.hpp"

namespace smlp {

// The best evaluation so far.
struct BestResult {
  std::int64_t epoch = 0;  // 0: none yet
  std::int64_t step = 0;
  double score = 0;  // what chose it: top-1 (%) on the held-out part, or on the test split
  double top1 = 0;   // % on the test split (on the held-out part when there is no test split)
  double top5 = 0;
};

// state.json: all of a run that is not a tensor.
struct TrainingState {
  std::int64_t step = 0;        // whole optimiser steps done
  bool evaluation_due = false;  // an epoch ended at this step and was not yet evaluated
  TrainTotals log_totals;       // since the last log step
  TrainTotals epoch_totals;     // since the epoch began
  std::int64_t bad_run = 0;     // steps in a row, up to this one, that were not finite
  double train_seconds = 0;
  BestResult best;
  std::map<std::string, std::uint64_t> log_sizes;  // bytes of each log file at this step
  std::vector<std::string> classes;
  std::string data_fingerprint;  // of the training images
  ChannelStatistics normalization;
  std::string config;  // the resolved configuration, YAML
};

// A checkpoint is a folder: model.safetensors, optimizer.safetensors, and state.json, written last, with the
// hashes of the others. It is whole or it is not there.
struct CheckpointFiles {
  static std::filesystem::path model(const std::filesystem::path& checkpoint);
  static std::filesystem::path optimizer(const std::filesystem::path& checkpoint);
  static std::filesystem::path state(const std::filesystem::path& checkpoint);
};

// Makes a checkpoint's folder, which must not exist, unless `replace`; weights from elsewhere have no
// optimiser.
void write_checkpoint_folder(const std::filesystem::path& target, const Model& model,
                             const Optimizer* optimizer, const TrainingState& state, bool replace = false);

// Makes RUN/checkpoints/step-NNNNNNNNN and points `last` at it, durable before it returns; a step that has
// its checkpoint already keeps it, unless `replace`. Error(failed) on a full disk leaves what was there
// before.
std::filesystem::path save_checkpoint(const std::filesystem::path& run, const Model& model,
                                      const Optimizer& optimizer, const TrainingState& state,
                                      bool replace = false);

// Points RUN/checkpoints/best at a checkpoint of the same run.
void link_best(const std::filesystem::path& checkpoint);

// Deletes the run's checkpoints but the newest `keep_last`, what the links point to, and the steps in
// `keep_steps`; also what an interrupted save or deletion left.
void prune_checkpoints(const std::filesystem::path& run, std::int64_t keep_last,
                       const std::vector<std::int64_t>& keep_steps);

// Makes `step` the last checkpoint, deleting later ones: a run that goes back takes another way from there.
void drop_checkpoints_after(const std::filesystem::path& run, std::int64_t step);

// The checkpoint a path means: itself, or the last (or best) one of a run. None: Error(data).
std::filesystem::path find_checkpoint(const std::filesystem::path& run_or_checkpoint, bool best = false);

// Reads state.json and verifies the weights, and the optimiser's tensors if wanted, against its hashes.
// Damage: Error(data) naming the file.
TrainingState read_state(const std::filesystem::path& checkpoint, bool with_optimizer = false);

void load_model(const std::filesystem::path& checkpoint, Model& model);
void load_optimizer(const std::filesystem::path& checkpoint, Optimizer& optimizer);

}  // namespace smlp
