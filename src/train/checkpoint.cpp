#include "smlp/train/checkpoint.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/hash.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/train/tensor_file.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;
constexpr int state_version = 1;
constexpr std::uint64_t max_state_bytes = 64 << 20;
constexpr int max_state_depth = 16;
const std::string step_prefix = "step-";

NamedTensors optimizer_tensors(const Optimizer& optimizer) {
  NamedTensors tensors;
  for (const auto& [parameter, states] : optimizer.state())
    for (const auto& [name, tensor] : states) tensors.emplace_back(parameter + "." + name, tensor);
  return tensors;
}

std::string file_hash(const fs::path& path) {
  return xxh3_hex(MappedFile(path).bytes());
}

Json to_json(const BestResult& best) {
  return {{"epoch", best.epoch},
          {"step", best.step},
          {"score", best.score},
          {"top1", best.top1},
          {"top5", best.top5}};
}

BestResult best_from_json(const nlohmann::json& json) {
  return {json.at("epoch"), json.at("step"), json.at("score"), json.at("top1"), json.at("top5")};
}

Json to_json(const TrainingState& state) {
  return {{"version", state_version},
          {"step", state.step},
          {"evaluation_due", state.evaluation_due},
          {"log_totals", state.log_totals.values()},
          {"epoch_totals", state.epoch_totals.values()},
          {"bad_run", state.bad_run},
          {"train_seconds", state.train_seconds},
          {"best", to_json(state.best)},
          {"log_sizes", state.log_sizes},
          {"normalization", {{"mean", state.normalization.mean}, {"std", state.normalization.std}}},
          {"classes", state.classes},
          {"data_fingerprint", state.data_fingerprint},
          {"config", state.config}};
}

TrainingState state_from_json(const nlohmann::json& json, const fs::path& path) {
  TrainingState state;
  json.at("step").get_to(state.step);
  json.at("bad_run").get_to(state.bad_run);
  if (state.step < 0 || state.bad_run < 0)
    fail(ErrorKind::data, "{}: step {} and {} bad steps; neither can be negative", path.string(), state.step,
         state.bad_run);
  json.at("evaluation_due").get_to(state.evaluation_due);
  state.log_totals = TrainTotals::from_values(json.at("log_totals"));
  state.epoch_totals = TrainTotals::from_values(json.at("epoch_totals"));
  json.at("train_seconds").get_to(state.train_seconds);
  state.best = best_from_json(json.at("best"));
  json.at("log_sizes").get_to(state.log_sizes);
  json.at("normalization").at("mean").get_to(state.normalization.mean);
  json.at("normalization").at("std").get_to(state.normalization.std);
  json.at("classes").get_to(state.classes);
  json.at("data_fingerprint").get_to(state.data_fingerprint);
  json.at("config").get_to(state.config);
  return state;
}

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

fs::path CheckpointFiles::model(const fs::path& checkpoint) {
  return checkpoint / "model.safetensors";
}
fs::path CheckpointFiles::optimizer(const fs::path& checkpoint) {
  return checkpoint / "optimizer.safetensors";
}
fs::path CheckpointFiles::state(const fs::path& checkpoint) {
  return checkpoint / "state.json";
}

void write_checkpoint_folder(const fs::path& target, const Model& model, const Optimizer* optimizer,
                             const TrainingState& state, bool replace) {
  StagedDirectory staged(target, replace);
  save_tensors(CheckpointFiles::model(staged.path()), named_tensors(model));
  Json json = to_json(state);
  json["hashes"]["model.safetensors"] = file_hash(CheckpointFiles::model(staged.path()));
  if (optimizer != nullptr) {
    save_tensors(CheckpointFiles::optimizer(staged.path()), optimizer_tensors(*optimizer));
    json["hashes"]["optimizer.safetensors"] = file_hash(CheckpointFiles::optimizer(staged.path()));
  }
  write_file_atomically(CheckpointFiles::state(staged.path()), json.dump(1) + "\n");
  staged.commit();
}

fs::path save_checkpoint(const fs::path& run, const Model& model, const Optimizer& optimizer,
                         const TrainingState& state, bool replace) {
  const fs::path target = run / "checkpoints" / step_name(state.step);
  const fs::path link = target.parent_path() / "last";
  if (replace || !fs::is_directory(target))
    write_checkpoint_folder(target, model, &optimizer, state, replace);
  replace_link(link, target.filename());
  return target;
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

fs::path find_checkpoint(const fs::path& path, bool best) {
  if (fs::is_regular_file(CheckpointFiles::state(path))) return fs::canonical(path);
  const char* link = best ? "best" : "last";
  const fs::path linked = path / "checkpoints" / link;
  if (fs::is_regular_file(CheckpointFiles::state(linked))) return fs::canonical(linked);
  const bool weights =
      fs::is_regular_file(path) || fs::exists(CheckpointFiles::model(path)) || fs::exists(path / "model.pt");
  fail(ErrorKind::data, "{}: no checkpoint: neither {} nor {} is there{}", path.string(),
       CheckpointFiles::state(path).string(), CheckpointFiles::state(linked).string(),
       weights ? "; weights from elsewhere become one by `smlp import FILE --to DIR`" : "");
}

TrainingState read_state(const fs::path& checkpoint, bool with_optimizer) {
  const fs::path path = CheckpointFiles::state(checkpoint);
  try {
    const nlohmann::json json = parse_json(read_file(path, max_state_bytes), path.string(), max_state_depth);
    if (json.at("version") != state_version)
      fail(ErrorKind::data, "{}: version {}, this program reads {}", path.string(), json.at("version").dump(),
           state_version);
    for (const auto& [name, hash] : json.at("hashes").items()) {
      if (name != "model.safetensors" && name != "optimizer.safetensors")
        fail(ErrorKind::data, "{}: a hash of '{}', which is no file of a checkpoint", path.string(), name);
      if (name == "optimizer.safetensors" && !with_optimizer) continue;
      const std::string found = file_hash(checkpoint / name);
      if (found != hash.get<std::string>())
        fail(ErrorKind::data, "{}: hash {}, state.json says {}; the file is damaged",
             (checkpoint / name).string(), found, hash.get<std::string>());
    }
    return state_from_json(json, path);
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorKind::data, "{}: {}", path.string(), e.what());
  }
}

void load_model(const fs::path& checkpoint, Model& model) {
  load_tensors(CheckpointFiles::model(checkpoint), named_tensors(model));
}

void load_optimizer(const fs::path& checkpoint, Optimizer& optimizer) {
  load_tensors(CheckpointFiles::optimizer(checkpoint), optimizer_tensors(optimizer));
}

}  // namespace smlp
