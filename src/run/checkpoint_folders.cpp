#include "smlp/run/checkpoint_folders.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t max_state_bytes = 64 << 20;
const std::string step_prefix = "step-";

std::vector<fs::path> steps_of(const fs::path& checkpoints) {
  std::vector<fs::path> steps;
  for (const auto& entry : fs::directory_iterator(checkpoints))
    if (!entry.is_symlink() && entry.path().filename().string().starts_with(step_prefix))
      steps.push_back(entry.path());
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::string step_name(std::int64_t step) {
  return fmt::format("{}{:09d}", step_prefix, step);
}

}  // namespace

fs::path checkpoint_folder(const fs::path& run, std::int64_t step) {
  return run / "checkpoints" / step_name(step);
}

fs::path part_file(const fs::path& checkpoint, const std::string& part) {
  return checkpoint / (part + ".safetensors");
}

fs::path state_file(const fs::path& checkpoint) {
  return checkpoint / "state.json";
}

void link_last(const fs::path& checkpoint) {
  replace_link(checkpoint.parent_path() / "last", checkpoint.filename());
}

void link_best(const fs::path& checkpoint) {
  replace_link(checkpoint.parent_path() / "best", checkpoint.filename());
}

void prune_checkpoints(const fs::path& run, std::int64_t keep_last,
                       const std::vector<std::int64_t>& keep_steps) {
  const fs::path checkpoints = run / "checkpoints";
  std::vector<std::string> kept;
  for (const char* link : {"last", "best"})
    if (fs::is_symlink(checkpoints / link)) kept.push_back(fs::read_symlink(checkpoints / link).string());
  for (const std::int64_t step : keep_steps) kept.push_back(step_name(step));
  const std::vector<fs::path> steps = steps_of(checkpoints);
  for (std::size_t i = 0; i + keep_last < steps.size(); ++i)
    if (std::find(kept.begin(), kept.end(), steps[i].filename().string()) == kept.end())
      remove_directory(steps[i]);
  remove_temporaries(checkpoints);
}

void drop_checkpoints_after(const fs::path& run, std::int64_t step) {
  const fs::path checkpoints = run / "checkpoints";
  replace_link(checkpoints / "last", step_name(step));
  for (const fs::path& checkpoint : steps_of(checkpoints))
    if (checkpoint.filename().string() > step_name(step)) remove_directory(checkpoint);
  if (fs::is_symlink(checkpoints / "best") && !fs::exists(checkpoints / "best"))
    fs::remove(checkpoints / "best");
}

fs::path find_checkpoint(const fs::path& run_or_checkpoint, bool best) {
  if (fs::is_regular_file(state_file(run_or_checkpoint))) return fs::canonical(run_or_checkpoint);
  const char* link = best ? "best" : "last";
  const fs::path linked = run_or_checkpoint / "checkpoints" / link;
  if (fs::is_regular_file(state_file(linked))) return fs::canonical(linked);
  const bool weights = fs::is_regular_file(run_or_checkpoint) ||
                       fs::exists(part_file(run_or_checkpoint, "model")) ||
                       fs::exists(run_or_checkpoint / "model.pt");
  fail(ErrorKind::data, "{}: no checkpoint: neither {} nor {} is there{}", run_or_checkpoint.string(),
       state_file(run_or_checkpoint).string(), state_file(linked).string(),
       weights ? "; weights from elsewhere become one by `smlp import FILE --to DIR`" : "");
}

StateFile read_state_file(const fs::path& checkpoint) {
  const fs::path path = state_file(checkpoint);
  return parse_state(read_file(path, max_state_bytes), path.string());
}

TrainingState read_state(const fs::path& checkpoint) {
  return read_state_file(checkpoint).state;
}

}  // namespace smlp
