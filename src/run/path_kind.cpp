#include "smlp/run/path_kind.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/formats/decode.hpp"
#include "smlp/run/checkpoint_folders.hpp"

namespace smlp {
namespace {

constexpr std::array weight_endings{".safetensors", ".index.json", ".pt", ".pth",
                                    ".pth.tar",     ".ckpt",       ".npz"};
constexpr std::array weight_names{"pytorch_model.bin"};
constexpr std::array exported_names{"model.safetensors", "model.pt"};
constexpr std::array config_endings{".yaml", ".yml"};
constexpr std::array archive_endings{".tar", ".tgz", ".zip", ".gz", ".xz", ".bz2", ".zst", ".beton"};

struct KindRow {
  PathKind kind;
  const char* text;  // {0}: the path
};
constexpr std::array kind_table{
    KindRow{
        PathKind::checkpoint,
        "it is a checkpoint, which eval, info, viz, export, --from and --config take, and --resume in its "
        "run"},
    KindRow{PathKind::run, "it is a run, which eval, info, viz, export, --from, --resume and --config take"},
    KindRow{PathKind::weights,
            "it is a model's weights, which eval, info, viz, export and --from take; `smlp import` makes a "
            "checkpoint of them"},
    KindRow{PathKind::data_set, "it is a packed data set, which --data takes; `smlp info {0}` describes it"},
    KindRow{PathKind::runs, "it is a folder of runs: name one of them; `smlp runs {0}` lists them"},
    KindRow{PathKind::configuration,
            "it is a configuration: `smlp train {0}` trains it, `smlp config show {0}` prints it"},
    KindRow{
        PathKind::image,
        "it is an image, which `smlp predict` takes; `smlp pack folder` makes a data set of folders of them, "
        "one for each class"},
    KindRow{PathKind::archive,
            "it is an archive: `smlp pack SOURCE --from {0} --to ROOT` makes a data set of it"},
    KindRow{PathKind::folder, "it is a folder without run, checkpoint, weights or packed data set"},
    KindRow{PathKind::file, "it is a file of no kind that is known by its name"},
    KindRow{PathKind::nothing, "there is no such file or folder"},
};

bool ends_with_one_of(const fs::path& path, const auto& endings) {
  const std::string name = lower_case(path.filename().string());
  return std::ranges::any_of(endings, [&](const char* ending) { return name.ends_with(ending); });
}

bool is_file(const fs::path& path) {
  std::error_code unreadable;
  return fs::is_regular_file(path, unreadable);
}

bool holds_runs(const fs::path& folder) {
  std::error_code unreadable;
  for (fs::directory_iterator each(folder, unreadable), end; !unreadable && each != end;
       each.increment(unreadable))
    if (is_file(each->path() / "config.yaml")) return true;
  return false;
}

bool is_image(const fs::path& file) {
  std::array<char, image_kind_bytes> start{};
  std::ifstream stream(file, std::ios::binary);
  stream.read(start.data(), start.size());
  return image_kind(std::as_bytes(std::span(start).first(static_cast<std::size_t>(stream.gcount())))) !=
         ImageKind::none;
}

// The run that a file lies in, at any depth a run has; empty: in none.
fs::path run_around(const fs::path& file) {
  fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  constexpr int deepest = 3;  // RUN/checkpoints/step-…/optimizer.safetensors
  std::error_code unreadable;
  for (int i = 0; i < deepest && !folder.empty(); ++i, folder = folder.parent_path())
    if (is_file(folder / "config.yaml") && fs::is_directory(folder / "checkpoints", unreadable))
      return folder;
  return {};
}

PathKind kind_of_file(const fs::path& file) {
  if (is_checkpoint(checkpoint_of_file(file))) return PathKind::checkpoint;
  if (ends_with_one_of(file, config_endings)) return PathKind::configuration;
  if (!run_around(file).empty()) return PathKind::run_file;
  if (ends_with_one_of(file, weight_endings) || ends_with_one_of(file, weight_names))
    return PathKind::weights;
  if (is_image(file)) return PathKind::image;
  return ends_with_one_of(file, archive_endings) ? PathKind::archive : PathKind::file;
}

PathKind kind_of_folder(const fs::path& folder) {
  if (is_checkpoint(folder)) return PathKind::checkpoint;
  if (is_run(folder)) return PathKind::run;
  if (find_weights_file(folder)) return PathKind::weights;
  if (!find_pack(folder.string()).splits.empty()) return PathKind::data_set;
  return holds_runs(folder) ? PathKind::runs : PathKind::folder;
}

}  // namespace

bool is_run(const fs::path& folder) {
  std::error_code unreadable;
  return is_file(folder / "config.yaml") || fs::is_directory(folder / "checkpoints", unreadable);
}

PathKind kind_of_path(const fs::path& path) {
  std::error_code unreadable;
  if (fs::is_directory(path, unreadable)) return kind_of_folder(path);
  if (is_file(path)) return kind_of_file(path);
  const bool data = path == "shapes" || !find_pack(path.string()).splits.empty();
  return data ? PathKind::data_set : PathKind::nothing;
}

std::string run_of_that_name(const fs::path& path) {
  const fs::path below = fs::path("runs") / path;
  if (path.empty() || path.is_absolute() || fs::exists(path) || !is_file(below / "config.yaml")) return "";
  return fmt::format(" (did you mean {}?)", below.string());
}

std::string what_is(const fs::path& path) {
  const PathKind kind = kind_of_path(path);
  const bool of_run = kind == PathKind::run_file || kind == PathKind::configuration;
  if (const fs::path run = of_run ? run_around(path) : ""; !run.empty())
    return fmt::format("it is a file of the run {0}: give {0} itself", run.string());
  const auto row = std::ranges::find(kind_table, kind, &KindRow::kind);
  return fmt::format(fmt::runtime(row->text), path.string()) + run_of_that_name(path);
}

void refuse_other_data(const std::string& root) {
  if (!find_pack(root).splits.empty()) return;  // below $SMLP_DATA, whatever else has its name here
  const PathKind kind = kind_of_path(root);
  if (kind != PathKind::data_set && kind != PathKind::folder && kind != PathKind::nothing)
    fail(ErrorKind::data, "{}: no packed data set: {}", root, what_is(root));
}

std::optional<fs::path> find_weights_file(const fs::path& path) {
  std::error_code unreadable;
  if (is_file(path)) return kind_of_file(path) == PathKind::weights ? std::optional(path) : std::nullopt;
  if (!fs::is_directory(path, unreadable) || is_checkpoint(path) || is_run(path)) return std::nullopt;
  for (const char* name : exported_names)
    if (is_file(path / name)) return path / name;
  return std::nullopt;
}

}  // namespace smlp
