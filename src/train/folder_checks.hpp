#pragma once
#include <filesystem>

#include "smlp/train/run_config.hpp"

namespace smlp {

// What keeps a run out of folders that are somebody's, and from losing what is in its own.

// A run's name is that of one folder in a place that is named: else Error(usage).
void check_place(const RunSection& run);

// A folder of a new run's name that is there already may hold no run and nothing else than what a start
// leaves that was cut off before the run existed: else Error(usage).
void check_free(const std::filesystem::path& taken);

// A run without a checkpoint begins anew, its logs emptied, only where it is one that was cut off before the
// first: a folder that is no run's is refused with Error(usage), and one whose checkpoints are lost with
// Error(data).
void check_begins_anew(const std::filesystem::path& run);

}  // namespace smlp
