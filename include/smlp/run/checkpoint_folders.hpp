#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "smlp/run/training_state.hpp"

namespace smlp {

// A run's checkpoints as folders: RUN/checkpoints/step-NNNNNNNNN. The links `last` and `best` beside them are
// for people: what they mean is read from the steps and from state.json, so a run that was copied without
// them, or lies where there are no links, is the same run. What lies in a checkpoint is
// train/checkpoint.hpp's.
std::filesystem::path checkpoint_folder(const std::filesystem::path& run, std::int64_t step);
std::filesystem::path part_file(const std::filesystem::path& checkpoint, const std::string& part);
std::filesystem::path state_file(const std::filesystem::path& checkpoint);

// Whether the folder holds state.json, which is written last.
bool is_checkpoint(const std::filesystem::path& folder);

// The run's checkpoint of the most steps; nullopt: it has none. One that lacks its model (`to_resume`: any
// part) is passed over with a warning.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& run,
                                                       bool to_resume = false);

// After how many steps the newest of the run's folders of a checkpoint's name was made; 0: there is none.
std::int64_t newest_step(const std::filesystem::path& run);

// The folder of a checkpoint's model.safetensors, ema.safetensors or state.json; any other path: itself.
std::filesystem::path checkpoint_of_file(const std::filesystem::path& path);

// The checkpoint a path means: itself (or a file as above), or the newest (or best) one of a run. None:
// Error(data) with what the path is instead.
std::filesystem::path find_checkpoint(const std::filesystem::path& path, bool best = false);

// The run a checkpoint lies in, by its path. Elsewhere than in RUN/checkpoints: Error(usage).
std::filesystem::path run_of_checkpoint(const std::filesystem::path& checkpoint);

// Copying that follows links (cp -rL, zip) leaves folders `last` and `best`: they take the name of their
// step, or go where that checkpoint is there. One that is no such copy: Error(data).
void adopt_copied_links(const std::filesystem::path& run);

// Points `last` and `best` at the checkpoints of these steps; a link that has none is removed.
void update_links(const std::filesystem::path& run, std::int64_t last, std::optional<std::int64_t> best);

// Deletes the run's checkpoints but the newest `keep_last` and the steps in `keep_steps`; also what an
// interrupted save or deletion left.
void prune_checkpoints(const std::filesystem::path& run, std::int64_t keep_last,
                       const std::vector<std::int64_t>& keep_steps);

// Deletes the checkpoints of more steps: a run that goes back takes another way from there.
void drop_checkpoints_after(const std::filesystem::path& run, std::int64_t step);

// Reads state.json alone, with or without the hashes of the files beside it. Damage: Error(data) naming the
// file.
StateFile read_state_file(const std::filesystem::path& checkpoint);
TrainingState read_state(const std::filesystem::path& checkpoint);

}  // namespace smlp
