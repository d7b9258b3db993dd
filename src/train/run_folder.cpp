#include "smlp/train/run_folder.hpp"

#include <torch/version.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "folder_checks.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/host.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/version.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/run/sessions.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/experiment.hpp"
#include "smlp/train/resolve.hpp"

namespace smlp {
namespace {

// What may differ between the parts of one run.
constexpr std::array free_keys{"run.name",         "run.output",          "device.",
                               "data.root",        "data.workers",        "data.prefetch",
                               "data.resident",    "train.epochs",        "train.eval_every",
                               "train.log_every",  "train.max_bad_steps", "train.patience",
                               "run.stop_signals", "checkpoint.",         "resolved",
                               "resolved."};

bool is_free(const std::string& path) {
  return std::any_of(free_keys.begin(), free_keys.end(), [&](const std::string& key) {
    return key.back() == '.' ? path.starts_with(key) : path == key;
  });
}

// Where a configuration gives none, the run's own go on.
bool is_resolved(const std::string& path) {
  return path == "data.mean" || path == "data.std";
}

// `stored` gets what it resolved in the place of `auto`.
std::vector<std::string> differences(const RunConfig& config, RunConfig& stored) {
  if (stored.resolved) stored.data = as_resolved(stored.data, *stored.resolved);
  std::map<std::string, std::string> then;
  for (const KeyRow& row : stored.rows()) then[row.path] = row.value;
  std::vector<std::string> found, only_in_one;
  for (const KeyRow& row : config.rows()) {
    const auto before = then.extract(row.path);
    const bool given = row.value != "[]";
    if (is_free(row.path)) continue;
    if (before.empty())
      only_in_one.push_back(row.path + " is not in the run's configuration");
    else if (row.value != before.mapped() && (!is_resolved(row.path) || given))
      found.push_back(
          fmt::format("{} is {}, the run was started with {}", row.path, row.value, before.mapped()));
  }
  for (const auto& [path, value] : then)
    if (!is_free(path))
      only_in_one.push_back(fmt::format("{} is missing, the run was started with {}", path, value));
  // Another optimiser, schedule or model has other keys: its name says it.
  return found.empty() ? only_in_one : found;
}

// The same for every way to write a data set's path.
fs::path place_of_data(const RunConfig& config) {
  const fs::path root = find_pack(config.data.root).root / "";  // a folder, with or without a slash
  return fs::weakly_canonical(fs::absolute(root));
}

std::string time_text(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &local)};
}

nlohmann::ordered_json describe_data(const Dataset& dataset) {
  return {
      {"from", dataset.description()}, {"images", dataset.size()}, {"fingerprint", dataset.fingerprint()}};
}

}  // namespace

std::string default_run_name(const RunConfig& config) {
  const fs::path root = fs::path(config.data.root).lexically_normal();
  const std::string data =
      root.has_filename() ? root.filename().string() : root.parent_path().filename().string();
  return fmt::format("{}-{}-{}", time_text("%Y%m%d-%H%M%S"), config.model.name, data);
}

void check_name_is_free(const RunSection& run) {
  check_place(run);
  const fs::path folder = fs::path(run.output) / run.name.value_or("");
  if (run.name && fs::exists(folder)) check_free(folder);
}

fs::path make_run_folder(Experiment& experiment) {
  RunConfig& config = experiment.config;
  check_place(config.run);
  const bool named = config.run.name.has_value();
  const std::string first = named ? *config.run.name : default_run_name(config);
  std::string name = first;
  std::error_code error;
  fs::create_directories(config.run.output, error);
  if (error) fail(ErrorKind::failed, "{}: cannot be made: {}", config.run.output, error.message());
  for (int attempt = 2; !fs::create_directory(fs::path(config.run.output) / name, error); ++attempt) {
    const fs::path taken = fs::path(config.run.output) / name;
    if (error) fail(ErrorKind::failed, "{}: cannot be made: {}", taken.string(), error.message());
    if (named) {
      check_free(taken);
      break;
    }
    name = fmt::format("{}-{}", first, attempt);
  }
  config.run.name = name;
  const fs::path run = fs::path(config.run.output) / name;
  fs::create_directories(run / "checkpoints");
  return run;
}

void check_same_test_images(const Experiment& experiment, const fs::path& run) {
  if (!fs::exists(run / "env.json")) return;
  const nlohmann::ordered_json env = read_env(run);
  const auto before = env.find("test");
  if (before == env.end() || !before->is_object() || !before->contains("fingerprint")) return;
  const std::string now = experiment.test_set ? experiment.test_set->fingerprint() : "";
  if (before->at("fingerprint") != now)
    fail(
        ErrorKind::data,
        "{}: its results are of other test images than those of {}; resume with the data of the run, and use "
        "`smlp eval {} --data {}` for the others",
        run.string(), experiment.test_set ? experiment.test_set->description() : experiment.config.data.root,
        run.string(), experiment.config.data.root);
}

void write_run_files(const fs::path& run, const Experiment& experiment) {
  nlohmann::ordered_json env{{"smlp", version()},
                             {"revision", git_revision()},
                             {"torch", TORCH_VERSION},
                             {"host", host_name()},
                             {"device", experiment.device.description},
                             {"train", describe_data(*experiment.train_set)}};
  env["train"]["used"] = experiment.subset.train.size();
  if (experiment.test_set) env["test"] = describe_data(*experiment.test_set);
  env["sessions"] = with_new_session(run);
  write_file_atomically(run / "config.yaml", experiment.config.yaml());  // from here on it is a run
  write_file_atomically(run / "env.json", json_text(env, 2) + "\n");
}

fs::path find_run(const fs::path& run_or_checkpoint) {
  const auto has_config = [](const fs::path& run) {
    std::error_code none;
    return fs::exists(run / "config.yaml") && fs::file_size(run / "config.yaml", none) > 0;
  };
  if (has_config(run_or_checkpoint)) return run_or_checkpoint;
  const fs::path checkpoint = find_checkpoint(run_or_checkpoint);
  fs::path run = is_checkpoint(run_or_checkpoint) ? run_of_checkpoint(run_or_checkpoint) : run_or_checkpoint;
  const fs::path file = run / "config.yaml";
  if (!has_config(run)) {
    log().warn("{} is gone or empty: it is written as {} has it", file.string(),
               state_file(checkpoint).string());
    write_file_atomically(file, read_state(checkpoint).config);
  }
  return run;
}

std::optional<fs::path> find_resumable(const RunConfig& config) {
  check_place(config.run);
  const fs::path output = config.run.output;
  if (config.run.name) {
    const fs::path run = output / *config.run.name;
    if (fs::exists(run / "config.yaml")) return run;
    return std::nullopt;
  }
  const fs::path place = place_of_data(config);
  std::optional<fs::path> newest;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(output, missing)) {
    const fs::path file = entry.path() / "config.yaml";
    std::error_code private_folder;
    if (!fs::is_regular_file(file, private_folder)) continue;
    try {
      RunConfig stored = load_run_config(file.string(), {});
      if (place_of_data(stored) != place || !differences(config, stored).empty()) continue;
    } catch (const Error&) {
      continue;  // of another version, or damaged: not this run
    }
    if (!newest || fs::last_write_time(file) > fs::last_write_time(*newest / "config.yaml"))
      newest = entry.path();
  }
  return newest;
}

std::optional<ResolvedConfig> check_same_run(const RunConfig& config, const fs::path& run,
                                             const std::optional<fs::path>& checkpoint) {
  RunConfig stored =
      checkpoint ? parse_run_config(read_state(*checkpoint).config, state_file(*checkpoint).string(), {})
                 : load_run_config((run / "config.yaml").string(), {});
  const std::vector<std::string> found = differences(config, stored);
  if (!found.empty())
    fail(ErrorKind::usage,
         "{}: cannot go on under other settings: {}; start a new run, or leave them as they were",
         run.string(), fmt::join(found, "; "));
  return resolved_of(stored);
}

}  // namespace smlp
