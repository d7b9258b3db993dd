#include "smlp/run/checkpoint_folders.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/run/path_kind.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t max_state_bytes = 64 << 20;
const std::string step_prefix = "step-";
constexpr std::array link_names{"last", "best"};

std::string step_name(std::int64_t step) {
  return fmt::format("{}{:09d}", step_prefix, step);
}

// The step of a name that is exactly a checkpoint's: a copy called step-000000005-good is somebody's own.
std::optional<std::int64_t> step_of(const std::string& name) {
  if (!name.starts_with(step_prefix)) return std::nullopt;
  std::int64_t step = 0;
  std::from_chars(name.data() + step_prefix.size(), name.data() + name.size(), step);
  return name == step_name(step) ? std::optional(step) : std::nullopt;
}

// Those of a checkpoint's name, by step.
std::map<std::int64_t, fs::path> named_steps(const fs::path& run) {
  std::map<std::int64_t, fs::path> steps;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints", missing))
    if (const auto step = step_of(entry.path().filename().string())) steps[*step] = entry.path();
  return steps;
}

// Those that hold a checkpoint: only these are ever deleted.
std::map<std::int64_t, fs::path> checkpoints_of(const fs::path& run) {
  std::map<std::int64_t, fs::path> steps = named_steps(run);
  std::erase_if(steps, [](const auto& each) { return !is_checkpoint(each.second); });
  return steps;
}

// Folders in the place of links.
std::vector<fs::path> copied_links(const fs::path& run) {
  std::vector<fs::path> folders;
  for (const char* name : link_names) {
    const fs::path path = run / "checkpoints" / name;
    if (fs::is_directory(fs::symlink_status(path))) folders.push_back(path);
  }
  return folders;
}

// The name of a file that the checkpoint lacks; "" where it is whole.
std::string missing_file(const fs::path& checkpoint, bool to_resume) {
  if (!is_checkpoint(checkpoint)) return "state.json";
  if (!to_resume) return fs::is_regular_file(part_file(checkpoint, "model")) ? "" : "model.safetensors";
  for (const auto& [file, hash] : read_state_file(checkpoint).hashes)
    if (!fs::is_regular_file(checkpoint / file)) return file;
  return "";
}

}  // namespace

std::int64_t newest_step(const fs::path& run) {
  const std::map<std::int64_t, fs::path> steps = named_steps(run);
  return steps.empty() ? 0 : steps.rbegin()->first;
}

fs::path checkpoint_folder(const fs::path& run, std::int64_t step) {
  return run / "checkpoints" / step_name(step);
}

fs::path part_file(const fs::path& checkpoint, const std::string& part) {
  return checkpoint / (part + ".safetensors");
}

fs::path state_file(const fs::path& checkpoint) {
  return checkpoint / "state.json";
}

bool is_checkpoint(const fs::path& folder) {
  return fs::is_regular_file(state_file(folder));
}

std::optional<fs::path> newest_checkpoint(const fs::path& run, bool to_resume) {
  std::multimap<std::int64_t, fs::path> steps;
  for (const fs::path& copy : copied_links(run))
    if (is_checkpoint(copy)) steps.emplace(read_state(copy).step, copy);
  for (const auto& [step, folder] : named_steps(run)) steps.emplace(step, folder);  // looked at first
  std::string passed_over;                                                          // the newest of those
  for (auto each = steps.rbegin(); each != steps.rend(); ++each) {
    const std::string missing = missing_file(each->second, to_resume);
    if (missing.empty() && !passed_over.empty()) log().warn("{}", passed_over);
    if (missing.empty()) return each->second;
    if (passed_over.empty())
      passed_over = fmt::format("{}: it has no {} and is passed over", each->second.string(), missing);
  }
  return std::nullopt;
}

fs::path checkpoint_of_file(const fs::path& path) {
  const fs::path name = path.filename();
  const bool part = name == "model.safetensors" || name == "ema.safetensors" || name == "state.json";
  return part && is_checkpoint(path.parent_path()) ? path.parent_path() : path;
}

fs::path find_checkpoint(const fs::path& path, bool best) {
  const fs::path run_or_checkpoint = checkpoint_of_file(path);
  if (is_checkpoint(run_or_checkpoint)) return fs::canonical(run_or_checkpoint);
  const std::optional<fs::path> newest = newest_checkpoint(run_or_checkpoint);
  if (newest && !best) return fs::canonical(*newest);
  if (newest) {
    const BestResult result = read_state(*newest).best;
    for (const fs::path& place :
         {checkpoint_folder(run_or_checkpoint, result.step), run_or_checkpoint / "checkpoints" / "best"})
      if (result.epoch > 0 && is_checkpoint(place) && read_state(place).step == result.step)
        return fs::canonical(place);
    fail(ErrorKind::data, "{}: no checkpoint of the best result so far, {}; the last one is {}",
         run_or_checkpoint.string(),
         result.epoch > 0 ? fmt::format("of step {}", result.step) : "for nothing was evaluated",
         newest->string());
  }
  if (kind_of_path(path) == PathKind::run)
    fail(ErrorKind::data, "{}: a run without a checkpoint: {} holds none", path.string(),
         (path / "checkpoints").string());
  fail(ErrorKind::data, "{}: no checkpoint: {}", path.string(), what_is(path));
}

fs::path run_of_checkpoint(const fs::path& checkpoint) {
  fs::path path = without_trailing_slash(checkpoint);
  if (path.parent_path().parent_path().empty()) path = without_trailing_slash(fs::absolute(path));
  if (path.parent_path().filename() != "checkpoints")
    fail(ErrorKind::usage,
         "{}: a checkpoint outside a run's folder checkpoints/: give the run, or start a new one from these "
         "weights with --set init.from={}",
         checkpoint.string(), checkpoint.string());
  return path.parent_path().parent_path();
}

void adopt_copied_links(const fs::path& run) {
  for (const fs::path& copy : copied_links(run)) {
    if (!is_checkpoint(copy))
      fail(ErrorKind::data, "{}: a folder without a checkpoint where a link is made; move it away",
           copy.string());
    const StateFile own = read_state_file(copy);
    const fs::path named = checkpoint_folder(run, own.state.step);
    if (!missing_file(named, true).empty()) {
      if (fs::exists(named)) remove_directory(named);
      fs::rename(copy, named);
    } else if (read_state_file(named).hashes == own.hashes) {
      remove_directory(copy);
    } else {
      fail(ErrorKind::data, "{} and {} are of the same step and differ; move away the one that is wrong",
           copy.string(), named.string());
    }
  }
}

void update_links(const fs::path& run, std::int64_t last, std::optional<std::int64_t> best) {
  for (const auto& [name, step] : {std::pair("last", std::optional(last)), std::pair("best", best)}) {
    const fs::path link = run / "checkpoints" / name;
    const bool there = step && is_checkpoint(checkpoint_folder(run, *step));
    std::error_code error;
    if (there && fs::read_symlink(link, error) != step_name(*step)) replace_link(link, step_name(*step));
    if (!there && fs::is_symlink(link)) fs::remove(link, error);
  }
}

void prune_checkpoints(const fs::path& run, std::int64_t keep_last,
                       const std::vector<std::int64_t>& keep_steps) {
  const std::map<std::int64_t, fs::path> steps = checkpoints_of(run);
  auto left = std::ssize(steps);
  for (const auto& [step, folder] : steps)
    if (left-- > keep_last && std::find(keep_steps.begin(), keep_steps.end(), step) == keep_steps.end())
      remove_directory(folder);
  remove_temporaries(run / "checkpoints");
}

void drop_checkpoints_after(const fs::path& run, std::int64_t step) {
  const std::map<std::int64_t, fs::path> steps = checkpoints_of(run);
  for (auto each = steps.rbegin(); each != steps.rend() && each->first > step; ++each)
    remove_directory(each->second);
}

StateFile read_state_file(const fs::path& checkpoint) {
  const fs::path path = state_file(checkpoint);
  return parse_state(read_file(path, max_state_bytes), path.string());
}

TrainingState read_state(const fs::path& checkpoint) {
  return read_state_file(checkpoint).state;
}

}  // namespace smlp
