#include "folder_checks.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/train/config_files.hpp"

namespace smlp {
namespace {

// The first file that is made in a run, see FileLock.
bool is_lock(const fs::path& path) {
  const fs::file_status status = fs::symlink_status(path);
  if (!fs::is_regular_file(status) || fs::file_size(path) > 4096) return false;
  return fs::is_empty(path) || read_file(path, 4096).starts_with("process ");
}

// The name of a file below `folder` that no start of a run leaves when it is cut off; "" where there is none.
std::string foreign_file(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& path = entry.path();
    const bool expected = is_temporary(path) || (path.filename() == "lock" && is_lock(path)) ||
                          (path.filename() == "checkpoints" && fs::is_directory(fs::symlink_status(path)) &&
                           foreign_file(path).empty());
    if (!expected) return path.filename().string();
  }
  return "";
}

// Lines of summary.csv but its header.
std::int64_t evaluations_of(const fs::path& run) {
  std::ifstream file(run / "summary.csv");
  return std::max<std::int64_t>(0, std::count(std::istreambuf_iterator<char>(file), {}, '\n') - 1);
}

}  // namespace

void check_place(const RunSection& run) {
  if (run.output.empty()) fail(ErrorKind::usage, "run.output is empty; name a folder, or . for this one");
  if (!run.name) return;
  const std::string& name = *run.name;
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    fail(ErrorKind::usage,
         "run.name is '{}', expected the name of a folder below {}; leave it out for one made of date, model "
         "and data, and use --output for another place",
         printable(name), run.output);
}

void check_free(const fs::path& taken) {
  if (fs::exists(taken / "config.yaml"))
    fail(ErrorKind::usage,
         "{}: a run of this name exists; continue it with --resume auto, or give another --name",
         taken.string());
  if (!fs::is_directory(taken))
    fail(ErrorKind::usage, "{} exists and is no folder; give another --name", taken.string());
  if (const std::string file = foreign_file(taken); !file.empty())
    fail(ErrorKind::usage, "{} exists and is no run, and holds {}; give another --name, or move it away",
         taken.string(), printable(file));
}

void check_begins_anew(const fs::path& run) {
  const std::string folder = run.string();
  if (!is_lock(run / "lock"))
    fail(ErrorKind::usage, "{} holds a config.yaml and no run; start one with --config {}/config.yaml",
         folder, folder);
  std::error_code none;
  const fs::path checkpoints = run / "checkpoints";
  for (const auto& entry : fs::directory_iterator(checkpoints, none))
    if (!is_temporary(entry.path()))
      fail(ErrorKind::data,
           "{}: {} is there, and no checkpoint that a training can go on from; bring its missing files back, "
           "start a new run from weights that are left with --set init.from=CHECKPOINT, or remove it to "
           "begin anew",
           checkpoints.string(), printable(entry.path().filename().string()));
  const std::int64_t evaluations = evaluations_of(run);
  const RunConfig stored = load_run_config((run / "config.yaml").string(), {});
  if (evaluations > 1 && stored.checkpoint.keep_best > 0)  // the first one was saved before the second
    fail(ErrorKind::data,
         "{}: no checkpoint is left of a run of {} evaluations; bring one back, or give another --name to "
         "begin anew",
         folder, evaluations);
}

}  // namespace smlp
