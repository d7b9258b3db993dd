#include "smlp/core/files.hpp"
#include "smlp/formats/torch_zip.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/train/exported_config.hpp"
#include "smlp/train/import_weights.hpp"
#include "smlp/train/saved_model.hpp"

namespace smlp {

void export_weights(const std::filesystem::path& checkpoint, const std::filesystem::path& to, bool pt) {
  const SavedModel saved = open_saved_model(checkpoint, false);
  const SafetensorsFile weights(part_file(saved.checkpoint, "model"));
  make_parent_directory(to);
  StagedDirectory staged(to);
  if (pt)
    write_torch_zip(staged.path() / "model.pt", weights.entries());
  else
    write_safetensors(staged.path() / "model.safetensors", weights.entries(), {{"format", "pt"}});
  write_file_atomically(staged.path() / "config.json", exported_config(saved));
  staged.commit();
}

}  // namespace smlp
