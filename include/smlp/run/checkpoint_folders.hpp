#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "smlp/run/training_state.hpp"

namespace smlp {

// A run's checkpoints as folders: RUN/checkpoints/step-NNNNNNNNN, and the links `last` and `best` beside
// them. What lies in one is train/checkpoint.hpp's.
std::filesystem::path checkpoint_folder(const std::filesystem::path& run, std::int64_t step);
std::filesystem::path part_file(const std::filesystem::path& checkpoint, const std::string& part);
std::filesystem::path state_file(const std::filesystem::path& checkpoint);

// Points RUN/checkpoints/last at a checkpoint of the same run.
void link_last(const std::filesystem::path& checkpoint);

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

// Reads state.json alone, with or without the hashes of the files beside it. Damage: Error(data) naming the
// file.
StateFile read_state_file(const std::filesystem::path& checkpoint);
TrainingState read_state(const std::filesystem::path& checkpoint);

}  // namespace smlp
