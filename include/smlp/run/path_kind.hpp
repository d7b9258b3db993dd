#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace smlp {

// What a path of a command line may be. Links are followed; only what lies there is looked at, not whether it
// is whole.
enum class PathKind {
  checkpoint,     // a checkpoint's folder, or model.safetensors or state.json in it
  run,            // a run's folder
  weights,        // a file of weights of this program or another, or the folder of `smlp export`
  data_set,       // a packed one, also below $SMLP_DATA, or the embedded one's name
  runs,           // a folder that holds runs
  configuration,  // a YAML file, a run's too
  run_file,       // another file in a run
  image,
  archive,
  folder,  // another one
  file,
  nothing
};
PathKind kind_of_path(const std::filesystem::path& path);

// A folder that holds a run, which may have lost its config.yaml or have no checkpoint yet.
bool is_run(const std::filesystem::path& folder);

// For messages: what lies there and what takes it, as "it is a packed data set, which --data takes; …". Of a
// file of a run: that run.
std::string what_is(const std::filesystem::path& path);

// " (did you mean runs/b6?)" where nothing has the path "b6"; else "".
std::string run_of_that_name(const std::filesystem::path& path);

// Of data.root: a path where something else lies than a data set, or than a folder that may become one:
// Error(data) with what it is. Nothing there is open_dataset()'s to say.
void refuse_other_data(const std::string& root);

// The file of PathKind::weights; nullopt: the path is of another kind.
std::optional<std::filesystem::path> find_weights_file(const std::filesystem::path& path);

}  // namespace smlp
