#include <algorithm>
#include <array>
#include <iostream>
#include <memory>

#include "runs_commands.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/file_lock.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/run/run_status.hpp"

namespace smlp {
namespace {

// Whoever wants to write the run while it goes is refused.
struct Doomed {
  fs::path folder;
  std::unique_ptr<FileLock> lock;
};

bool is_of_a_run(const fs::path& path) {
  static constexpr std::array names{
      "config.yaml", "env.json", "metrics.jsonl", "summary.csv", "unapplied_steps.jsonl",
      "log.txt",     "lock",     "features",      "checkpoints"};
  const std::string name = path.filename().string();
  return is_temporary(path) || name.starts_with("events.out.tfevents.") ||
         std::find(names.begin(), names.end(), name) != names.end();
}

// A copy called step-000000005-good is somebody's own.
bool is_of_checkpoints(const fs::path& path) {
  const std::string name = path.filename().string(), mark = "step-";
  const bool step =
      name.starts_with(mark) && name.find_first_not_of("0123456789", mark.size()) == std::string::npos;
  return step || is_temporary(path) || name == "last" || name == "best";
}

// Somebody's own file in the run's folder; "" where there is none.
std::string foreign_file(const fs::path& run) {
  for (const auto& entry : fs::directory_iterator(run))
    if (!is_of_a_run(entry.path())) return entry.path().filename().string();
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints", none))
    if (!is_of_checkpoints(entry.path())) return "checkpoints/" + entry.path().filename().string();
  return "";
}

// A folder with a configuration of one's own is no run.
bool was_written_by_a_run(const fs::path& folder) {
  return fs::exists(folder / "lock") || fs::exists(folder / "env.json") ||
         fs::is_directory(folder / "checkpoints");
}

// A damaged run can be deleted too.
bool is_running(const fs::path& run) {
  try {
    return run_status(run) == "running";
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    return false;  // its lock is asked below
  }
}

fs::path check_removable(const std::string& path) {
  const fs::path named = named_run(path);
  if (fs::is_symlink(fs::symlink_status(named)))
    fail(ErrorKind::usage, "{} is a link: name the run's folder itself, {}", path,
         fs::canonical(named).string());
  const fs::path folder = fs::canonical(named);
  if (!was_written_by_a_run(folder))
    fail(ErrorKind::data, "{} holds a config.yaml, and nothing that a run has written", path);
  if (const std::string file = foreign_file(folder); !file.empty())
    fail(ErrorKind::usage,
         "{} holds {}, which is no file of a run: move it away, or delete the folder by hand", path,
         printable(file));
  if (is_running(folder)) fail(ErrorKind::failed, "{} is being written: stop it first", path);
  return folder;
}

std::vector<Doomed> lock_all(const std::vector<std::string>& paths) {
  std::vector<fs::path> folders;
  for (const std::string& path : paths) folders.push_back(check_removable(path));
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  std::vector<Doomed> doomed;
  for (const fs::path& folder : folders)
    doomed.push_back({folder, std::make_unique<FileLock>(
                                  folder / "lock", fmt::format("{} is being written", folder.string()))});
  return doomed;
}

// Runs beside a doomed one whose first weights are a checkpoint of it.
void warn_of_heirs(const std::vector<Doomed>& doomed) {
  const auto is_doomed = [&](const fs::path& path) {
    return std::any_of(doomed.begin(), doomed.end(), [&](const Doomed& each) {
      return (fs::weakly_canonical(path) / "").string().starts_with((each.folder / "").string());
    });
  };
  std::vector<std::string> places;
  for (const Doomed& each : doomed) places.push_back(each.folder.parent_path().string());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  for (const Row& row : list_runs(places).rows) {
    const Row &from = value_of(row, "init.from"), &path = value_of(row, "path");
    if (from.is_string() && is_doomed(from.get<std::string>()) && !is_doomed(path.get<std::string>()))
      log().warn("{} was started from {}", printable(path.get<std::string>()),
                 printable(from.get<std::string>()));
  }
}

double bytes_in(const fs::path& folder) {
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && !entry.is_symlink()) bytes += static_cast<double>(entry.file_size());
  return bytes;
}

bool agreed(const std::vector<Doomed>& doomed) {
  double bytes = 0;
  for (const Doomed& each : doomed) {
    bytes += bytes_in(each.folder);
    std::cerr << "  " << printable(each.folder.string()) << "\n";
  }
  std::cerr << fmt::format("delete {}, {}? [y/N] ", counted(std::ssize(doomed), "run"), human_bytes(bytes))
            << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return lower_case(answer) == "y" || lower_case(answer) == "yes";
}

// Its config.yaml goes when all else has: what a kill leaves is still a run, or a free name.
void remove_run(const fs::path& run) {
  std::vector<fs::path> order;
  for (const auto& entry : fs::directory_iterator(run))
    if (entry.path().filename() != "config.yaml" && entry.path().filename() != "lock")
      order.push_back(entry.path());
  for (const char* name : {"config.yaml", "lock", ""}) order.push_back(run / name);
  for (const fs::path& path : order) {
    std::error_code error;
    fs::remove_all(without_trailing_slash(path), error);
    if (error) fail(ErrorKind::failed, "cannot remove {}: {}", path.string(), error.message());
  }
}

}  // namespace

int remove_runs(const std::vector<std::string>& runs, bool yes) {
  const std::vector<Doomed> doomed = lock_all(runs);
  warn_of_heirs(doomed);
  if (!yes && !agreed(doomed)) {
    log().info("nothing was deleted (--yes does it without asking)");
    return static_cast<int>(ErrorKind::failed);
  }
  for (const Doomed& each : doomed) {
    remove_run(each.folder);
    std::cout << "deleted " << printable(each.folder.string()) << "\n";
  }
  return 0;
}

}  // namespace smlp
