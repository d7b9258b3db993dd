#include "smlp/train/checkpoint.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/hash.hpp"

namespace smlp {
namespace {

std::string part_file_name(const std::string& part) {
  return part + ".safetensors";
}

std::string file_hash(const fs::path& path) {
  return xxh3_hex(MappedFile(path).bytes());
}

void check_hash(const fs::path& checkpoint, const StateFile& saved, const std::string& file) {
  const auto expected = saved.hashes.find(file);
  if (expected == saved.hashes.end())
    fail(ErrorKind::data, "{}: it has no hash of {}, which is needed", state_file(checkpoint).string(), file);
  const std::string found = file_hash(checkpoint / file);
  if (found != expected->second)
    fail(ErrorKind::data,
         "{}: hash {}, state.json says {}; the file is damaged: take it from a copy, or use an older "
         "checkpoint of the run",
         (checkpoint / file).string(), found, expected->second);
}

}  // namespace

CheckpointPart model_part(const Model& model) {
  return {"model", named_tensors(model), CheckpointPart::Needed::to_use};
}

CheckpointPart optimizer_part(const Optimizer& optimizer) {
  NamedTensors tensors;
  for (const auto& [parameter, states] : optimizer.state())
    for (const auto& [name, tensor] : states) tensors.emplace_back(parameter + "." + name, tensor);
  return {"optimizer", std::move(tensors), CheckpointPart::Needed::to_resume};
}

void write_checkpoint_folder(const fs::path& target, const std::vector<CheckpointPart>& parts,
                             const TrainingState& state, bool replace) {
  StagedDirectory staged(target, replace);
  PartHashes hashes;
  for (const CheckpointPart& part : parts) {
    const fs::path file = part_file(staged.path(), part.name);
    save_tensors(file, part.tensors);
    hashes[part_file_name(part.name)] = file_hash(file);
  }
  write_file_atomically(state_file(staged.path()), state_text(state, hashes));
  staged.commit();
}

void save_checkpoint(const fs::path& run, const std::vector<CheckpointPart>& parts,
                     const TrainingState& state, bool replace) {
  const fs::path target = checkpoint_folder(run, state.step);
  if (replace || !is_checkpoint(target)) write_checkpoint_folder(target, parts, state, true);
}

void load_part(const fs::path& checkpoint, const CheckpointPart& part, const std::string& ignored) {
  check_hash(checkpoint, read_state_file(checkpoint), part_file_name(part.name));
  load_tensors(part_file(checkpoint, part.name), part.tensors, ignored);
}

TrainingState load_checkpoint(const fs::path& checkpoint, const std::vector<CheckpointPart>& parts,
                              CheckpointPart::Needed purpose) {
  const bool resumes = purpose == CheckpointPart::Needed::to_resume;
  StateFile saved = read_state_file(checkpoint);
  for (const auto& [file, hash] : saved.hashes)
    if (resumes && std::none_of(parts.begin(), parts.end(),
                                // Named, because clang before 16 does not capture a structured binding.
                                [&file = file](const CheckpointPart& part) {
                                  return part_file_name(part.name) == file;
                                }))
      fail(ErrorKind::data, "{}: it holds {}, which this training has no use for: it cannot go on from here",
           checkpoint.string(), file);
  for (const CheckpointPart& part : parts)
    if (resumes || part.needed == CheckpointPart::Needed::to_use) load_part(checkpoint, part);
  return std::move(saved.state);
}

}  // namespace smlp
