#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "smlp/train/run_config.hpp"

namespace smlp {

struct Experiment;  // train/experiment.hpp

// The run folder's name when none is given: date-model-data, "20260131-142501-b_mlp-cifar10".
std::string default_run_name(const RunConfig& config);

// Refuses what make_run_folder() would, before there is an experiment.
void check_name_is_free(const RunSection& run);

// Makes the folder of a new run and sets config.run.name. A name that is no folder's, or of a folder that
// holds a run or anything else already: Error(usage).
std::filesystem::path make_run_folder(Experiment& experiment);

// Results on other test images than those in the run's env.json are not to be compared with its best:
// Error(data).
void check_same_test_images(const Experiment& experiment, const std::filesystem::path& run);

// Writes config.yaml, and env.json, in which a session of this process begins.
void write_run_files(const std::filesystem::path& run, const Experiment& experiment);

// The run that a run's or checkpoint's path means. One whose config.yaml is gone gets it back from its newest
// checkpoint. Neither: Error(data).
std::filesystem::path find_run(const std::filesystem::path& run_or_checkpoint);

// The run `--resume auto` means: run.output/run.name when it is named, otherwise the newest run in run.output
// with the same configuration. None: nullopt.
std::optional<std::filesystem::path> find_resumable(const RunConfig& config);

// A run may go on under other settings only where they do not change what was trained so far (epochs,
// logging, checkpoints, device, workers, place of the data): otherwise Error(usage) naming each key with both
// values. What it was trained under so far is what its checkpoint says: config.yaml may have been edited.
// Returns what `auto` was in it; nullopt: that is not known.
std::optional<ResolvedConfig> check_same_run(const RunConfig& config, const std::filesystem::path& run,
                                             const std::optional<std::filesystem::path>& checkpoint);

}  // namespace smlp
