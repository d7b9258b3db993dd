#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config_options.hpp"

namespace smlp {

// What train, finetune and probe have in common: they differ in their default configuration and in where the
// weights come from.
struct TrainingOptions {
  ConfigOptions config;
  std::optional<std::string> default_config;  // when no --config is given; none: every key's default
  bool transfers = false;                     // a run or checkpoint to start from is needed
  std::optional<std::string> from;            // that one, or weights, which brings its model
  bool best = false;                          // of that run
  std::optional<std::string> resume;          // "auto", a run, or a checkpoint
  std::vector<std::string> seeds;             // "3", "0-4"
  bool dry_run = false;
};

void add_training_options(CLI::App& app, TrainingOptions& options);
void add_from_option(CLI::App& app, TrainingOptions& options);

// Trains once, or once with each seed, and prints the results; the exit code.
int run_training(const TrainingOptions& options);

}  // namespace smlp
