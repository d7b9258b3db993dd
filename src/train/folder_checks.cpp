#include "folder_checks.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/run/sessions.hpp"
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

// Of summary.csv.
struct Evaluations {
  std::int64_t count = 0;
  double last_epoch = 0;
};

Evaluations evaluations_of(const fs::path& run) {
  std::ifstream file(run / "summary.csv");
  Evaluations found;
  std::string line;
  for (std::getline(file, line); std::getline(file, line); ++found.count)
    found.last_epoch = std::strtod(line.c_str(), nullptr);
  return found;
}

// Whether a process left the run with everything saved.
bool was_saved(const fs::path& run) {
  return std::ranges::any_of(read_sessions(run), [](const RunSession& each) {
    return each.exit == "finished" || each.exit == "stopped";
  });
}

// Whether a run with these had a checkpoint that is gone. One that was killed before its first begins anew,
// but it has left the folder that is made before the first step.
bool lost_checkpoints(const Evaluations& evaluations, const RunConfig& config, const fs::path& checkpoints) {
  if (evaluations.count > 0 && !fs::exists(checkpoints)) return true;
  if (evaluations.count > 1 && config.checkpoint.keep_best > 0) return true;
  const auto every = static_cast<double>(config.checkpoint.every_epochs);
  return every > 0 && evaluations.last_epoch > every;
}

}  // namespace

void check_place(const RunSection& run) {
  if (run.output.empty()) fail(ErrorKind::usage, "run.output is empty; name a folder, or . for this one");
  if (!run.name) return;
  const std::string& name = *run.name;
  if (name == "checkpoints")
    fail(ErrorKind::usage,
         "run.name is '{0}', which would make {1} look like a run itself: name it otherwise", name,
         run.output);
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
  const Evaluations evaluations = evaluations_of(run);
  if (was_saved(run) ||
      lost_checkpoints(evaluations, load_run_config((run / "config.yaml").string(), {}), checkpoints))
    fail(ErrorKind::data,
         "{}: no checkpoint is left of a run of {}; bring one back, or give another --name to "
         "begin anew",
         folder, counted(evaluations.count, "evaluation"));
}

}  // namespace smlp
