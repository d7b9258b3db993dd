#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "smlp/run/training_state.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

struct SessionOptions {
  std::optional<std::string> resume{};  // "auto" (the run of this name, or the newest of this configuration,
                                        // or a new one), a run's folder, or a checkpoint; null: a new run
  bool dry_run = false;                 // build everything, say what it would cost, train nothing
  bool needs_weights = false;           // a new run must say init.from
};

// What became of a session.
struct Outcome {
  enum class End { planned, stopped, finished };
  End end = End::planned;       // of a dry run; by a stop signal, everything saved; with the last step
  std::filesystem::path run{};  // its folder; empty for a dry run
  std::string plan{};           // of a dry run: the run's header and its cost, as text
  double seconds = 0;           // of a dry run: what it would take here
  std::int64_t step = 0;
  std::int64_t epochs = 0;              // of a finished run
  double loss = 0, top1 = 0, top5 = 0;  // its last evaluation: on the test split, or the held-out part; %
  bool out_of_patience = false;         // train.patience ended it before its last epoch
  bool has_top5 = true;                 // with fewer than six classes it says nothing
  BestResult best{};
  bool chosen_on_test = false;     // the best epoch was
  std::int64_t memory = 0;         // bytes of anonymous memory at the most, as seen at log steps
  std::int64_t device_memory = 0;  // bytes of tensors on a CUDA device at the most
};

// Trains what a configuration says, in a run folder of its own, from the first step or from where a run
// stopped, to the last: all that `smlp train`, `finetune` and `probe` do, but for reading a command line and
// printing. Whatever goes wrong is an Error.
Outcome run_session(RunConfig config, const SessionOptions& options = {});

// The same run with another seed; its name, if it has one, becomes NAME-seedS. A seed out of bounds:
// Error(usage).
RunConfig with_seed(const RunConfig& config, std::int64_t seed);

// The file that says a run's or checkpoint's own configuration.
std::filesystem::path config_of_run(const std::filesystem::path& run_or_checkpoint);

}  // namespace smlp
