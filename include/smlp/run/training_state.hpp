#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "smlp/data/dataset_info.hpp"
#include "smlp/run/image_preparation.hpp"
#include "smlp/run/totals.hpp"

namespace smlp {

// The best evaluation so far.
struct BestResult {
  std::int64_t epoch = 0;  // 0: none yet
  std::int64_t step = 0;
  double score = 0;  // what chose it: top-1 (%) on the held-out part, or on the test split
  double top1 = 0;   // % on the test split (on the held-out part when there is no test split)
  double top5 = 0;
};

// All of a run that is not a tensor.
struct TrainingState {
  std::int64_t step = 0;        // whole optimiser steps done
  bool evaluation_due = false;  // an epoch ended at this step and was not yet evaluated
  TrainTotals log_totals;       // since the last log step
  TrainTotals epoch_totals;     // since the epoch began
  std::int64_t bad_run = 0;     // steps in a row, up to this one, that were not finite
  double train_seconds = 0;
  BestResult best;
  std::int64_t evaluations_since_best = 0;
  std::map<std::string, std::uint64_t> log_sizes;  // bytes of each log file at this step
  std::vector<std::string> classes;
  std::string data_fingerprint;  // of the training images
  ChannelStatistics normalization;
  ImagePreparation preparation;  // of the training images
  std::string config;            // the resolved configuration, YAML
};

// By file name in the checkpoint's folder.
using PartHashes = std::map<std::string, std::string>;

// state.json: the state, and the hashes of the files beside it.
std::string state_text(const TrainingState& state, const PartHashes& hashes);

// Reads it back. The text is not trusted; `name` stands for it in messages: Error(data) when it is damaged,
// of another version, or names a file that is no checkpoint's ("NAME.safetensors").
struct StateFile {
  TrainingState state;
  PartHashes hashes;
};
StateFile parse_state(const std::string& text, const std::string& name);

}  // namespace smlp
