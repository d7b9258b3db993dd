#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/formats/torch_file.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/train/exported_config.hpp"
#include "smlp/train/import_weights.hpp"
#include "smlp/train/saved_model.hpp"
#include "smlp/train/tensor_file.hpp"

namespace smlp {

namespace {

void merge_saved(SavedModel& saved) {
  try {
    saved.model =
        merge_model(*saved.model, saved.config.model, static_cast<int>(saved.config.data.image_size),
                    static_cast<int>(saved.state.classes.size()));
  } catch (const Error& error) {
    fail(error.kind(), "{} cannot be merged: {}", saved.checkpoint.string(), error.what());
  }
}

}  // namespace

void export_weights(const std::filesystem::path& from, const std::filesystem::path& to, bool pt, bool best,
                    bool merge) {
  SavedModel saved = open_saved_model(from, best);
  if (merge) merge_saved(saved);
  const HostTensors weights(named_tensors(*saved.model));
  make_parent_directory(to);
  StagedDirectory staged(to);
  if (pt)
    write_torch_file(staged.path() / "model.pt", weights.entries());
  else
    write_safetensors(staged.path() / "model.safetensors", weights.entries(), {{"format", "pt"}});
  write_file_atomically(staged.path() / "config.json", exported_config(saved));
  staged.commit();
}

}  // namespace smlp
