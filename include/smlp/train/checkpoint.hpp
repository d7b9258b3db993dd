#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "smlp/nn/model.hpp"
#include "smlp/optim/optimizer.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/train/tensor_file.hpp"

namespace smlp {

// A checkpoint is a folder: a file NAME.safetensors for each part, and state.json, written last, with their
// hashes. It is whole or it is not there.

// One named set of a checkpoint's tensors. They are live: saved from, and restored by copying into them.
struct CheckpointPart {
  enum class Needed { to_use, to_resume };  // the weights alone, or to go on with the training
  std::string name;                         // of a-z and _
  NamedTensors tensors;
  Needed needed;
};
CheckpointPart model_part(const Model& model);              // "model", needed to use
CheckpointPart optimizer_part(const Optimizer& optimizer);  // "optimizer", needed to resume

// Makes a checkpoint's folder, which must not exist, unless `replace`.
void write_checkpoint_folder(const std::filesystem::path& target, const std::vector<CheckpointPart>& parts,
                             const TrainingState& state, bool replace = false);

// Makes RUN/checkpoints/step-NNNNNNNNN, durable before it returns; a step that has its checkpoint already
// keeps it, unless `replace`. Error(failed) on a full disk leaves what was there before.
void save_checkpoint(const std::filesystem::path& run, const std::vector<CheckpointPart>& parts,
                     const TrainingState& state, bool replace = false);

// Compares a part's file with its hash and copies its values into the part's tensors; those of the file whose
// names begin with `ignored` are passed over. Damage, or other tensors: Error(data) naming the file.
void load_part(const std::filesystem::path& checkpoint, const CheckpointPart& part,
               const std::string& ignored = "");

// Loads the parts that `purpose` needs. To resume, the checkpoint must have no other parts than these:
// Error(data).
TrainingState load_checkpoint(const std::filesystem::path& checkpoint,
                              const std::vector<CheckpointPart>& parts, CheckpointPart::Needed purpose);

}  // namespace smlp
