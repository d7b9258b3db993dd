#include "smlp/sweep/plan.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "smlp/config/print.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/transfer.hpp"

namespace smlp {
namespace {

using Kind = ConfigNode::Kind;

constexpr std::size_t most_jobs = 10'000, longest_name = 200;
constexpr const char *file_name = "sweep.yaml", *jobs_folder = "jobs";

struct Axis {
  std::string key;
  std::vector<ConfigNode> values;
};
struct Grid {
  std::string label;  // "": none
  std::vector<Axis> axes;
};

struct FollowUp {
  std::string name;
  ConfigNode document;
};

struct Sweep {
  ConfigNode base;
  std::vector<Grid> grids;
  std::vector<FollowUp> then;
};

[[noreturn]] void refuse(const ConfigNode& node, const std::string& what) {
  fail(ErrorKind::usage, "{}: {}", node.origin.text(), what);
}

Axis read_axis(const std::string& key, const ConfigNode& node) {
  for (const char* place : {"run.name", "run.output", "init.from"})
    if (key == place)
      refuse(node, fmt::format("sweep.grid: {} says where a run is, and the sweep does", key));
  if (node.kind != Kind::list || node.items.empty())
    refuse(node, fmt::format("sweep.grid.{}: expected a list of values, such as [0, 1]", key));
  for (const ConfigNode& value : node.items)
    if (value.kind == Kind::map)
      refuse(value,
             fmt::format("sweep.grid.{}: a value is a section; vary its keys, each as {}.KEY", key, key));
  return {key, node.items};
}

// It becomes a part of folders' names, whose parts "--" divides.
bool is_plain(const std::string& name) {
  return !name.empty() && name.find("--") == std::string::npos &&
         std::ranges::all_of(
             name, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
}

// Beside the runs of the trainings lie a sweep's own file and folder.
std::string read_label(const ConfigNode& node) {
  if (node.kind != Kind::scalar || !is_plain(node.text) ||
      !std::isalnum(static_cast<unsigned char>(node.text[0])) || node.text == file_name ||
      node.text == jobs_folder)
    refuse(node,
           fmt::format("sweep.grid.label: expected a word that names the grid's trainings: letters, digits, "
                       "single -, _ and ., and not {} or {}",
                       file_name, jobs_folder));
  return node.text;
}

Grid read_grid(const ConfigNode& node) {
  if (node.kind != Kind::map || node.entries.empty())
    refuse(node, "sweep.grid: expected keys with lists of their values, such as {optim.lr: [1e-4, 1e-3]}");
  Grid grid;
  for (const auto& [key, value] : node.entries)
    if (key == "label")
      grid.label = read_label(value);
    else
      grid.axes.push_back(read_axis(key, value));
  return grid;
}

void check_follower_name(const std::string& name, const ConfigNode& node) {
  if (!is_plain(name) || name.starts_with("epoch"))
    refuse(node,
           fmt::format("sweep.then: \"{}\" is no name for what follows: letters, digits, single -, _ and ., "
                       "and not \"epoch…\"",
                       printable(name)));
}

std::vector<FollowUp> read_then(const ConfigNode& node) {
  if (node.kind != Kind::map)
    refuse(node,
           "sweep.then: expected names, each with a configuration, such as {probe: {base: probe.yaml}}");
  std::vector<FollowUp> then;
  for (const auto& [name, document] : node.entries) {
    check_follower_name(name, document);
    if (document.kind != Kind::map)
      refuse(document,
             fmt::format("sweep.then.{}: expected a configuration, such as {{base: probe.yaml, data: "
                         "{{root: cifar10}}}}",
                         name));
    then.push_back({name, document});
  }
  return then;
}

// Takes the section out of the document.
Sweep read_sweep(ConfigNode document) {
  const ConfigNode* section = document.find("sweep");
  if (section == nullptr)
    refuse(document, "it has no section `sweep` with a grid; `smlp train` trains what it says once");
  if (section->kind != Kind::map) refuse(*section, "sweep: expected a section with `grid`");
  Sweep sweep;
  for (const auto& [key, value] : section->entries) {
    if (key == "then")
      sweep.then = read_then(value);
    else if (key != "grid")
      refuse(value, fmt::format("sweep.{}: no such key; there are grid and then", key));
    else if (value.kind == Kind::list)
      for (const ConfigNode& each : value.items) sweep.grids.push_back(read_grid(each));
    else
      sweep.grids.push_back(read_grid(value));
  }
  if (sweep.grids.empty()) refuse(*section, "sweep: it has no grid");
  std::erase_if(document.entries, [](const auto& entry) { return entry.first == "sweep"; });
  sweep.base = std::move(document);
  return sweep;
}

std::string value_text(const ConfigNode& value) {
  if (value.kind == Kind::null) return "null";
  if (value.kind == Kind::scalar) {  // however a number is written
    double number = 0;
    const char* const end = value.text.data() + value.text.size();
    const auto [rest, error] = std::from_chars(value.text.data(), end, number);
    return !value.quoted && error == std::errc() && rest == end ? fmt::format("{}", number) : value.text;
  }
  std::string text;
  for (const ConfigNode& item : value.items) text += (text.empty() ? "" : "-") + value_text(item);
  for (const auto& [key, each] : value.entries) text += (text.empty() ? "" : "-") + key + value_text(each);
  return text;
}

// "B-6-64" of model.name, "fraction0.25" of data.fraction.
std::string part_of_name(const std::string& key, const ConfigNode& value) {
  const std::string last = key.substr(key.rfind('.') + 1);
  std::string text = (last == "name" ? "" : last) + value_text(value);
  std::ranges::replace_if(
      text, [](unsigned char c) { return !std::isalnum(c) && c != '.' && c != '-'; }, '-');
  return text;
}

class Planner {
 public:
  explicit Planner(SweepPlan& plan) : plan_(plan) {}

  void add_grid(const Sweep& sweep, const Grid& grid) {
    std::vector<std::size_t> at(grid.axes.size(), 0);
    for (;;) {
      add_training(sweep, grid, at);
      std::size_t axis = grid.axes.size();  // the last one turns fastest
      while (axis > 0 && ++at[axis - 1] == grid.axes[axis - 1].values.size()) at[--axis] = 0;
      if (axis == 0) return;
    }
  }

 private:
  void add_training(const Sweep& sweep, const Grid& grid, const std::vector<std::size_t>& at) {
    std::string name = grid.label;
    std::vector<ConfigNode> overrides;
    SweepJob job;
    if (!grid.label.empty()) job.settings.emplace_back("label", grid.label);
    for (std::size_t i = 0; i < grid.axes.size(); ++i) {
      const auto& [key, values] = grid.axes[i];
      const ConfigNode& value = values[at[i]];
      // What a grid has one value of, its label says; a seed may get company later.
      if (grid.label.empty() || values.size() > 1 || key == "run.seed")
        name += (name.empty() ? "" : "_") + part_of_name(key, value);
      overrides.push_back(make_override(key, value, value.origin.text()));
      if (key != "run.seed") job.settings.emplace_back(key, value_text(value));
    }
    const std::size_t upstream = plan_.jobs.size();
    job.name = name;
    job.task = plan_.tasks++;
    job.config = of_job(name, [&] { return make_run_config(sweep.base, std::move(overrides)); });
    add(std::move(job));
    for (const FollowUp& each : sweep.then) follow(each, upstream, 0);
    std::set<std::int64_t> kept;
    for (const std::int64_t epoch : plan_.jobs[upstream].config.checkpoint.keep_epochs)
      if (epoch < plan_.jobs[upstream].config.train.epochs) kept.insert(epoch);
    for (const std::int64_t epoch : kept)
      for (const FollowUp& each : sweep.then) follow(each, upstream, epoch);
  }

  void follow(const FollowUp& what, std::size_t upstream, std::int64_t epoch) {
    const SweepJob& source = plan_.jobs[upstream];
    const std::string of_epoch = epoch == 0 ? "" : fmt::format("--epoch{}", epoch);
    SweepJob job;
    job.name = fmt::format("{}{}--{}", source.name, of_epoch, what.name);
    job.kind = what.name;
    job.task = source.task;
    job.after = upstream;
    job.epoch = epoch;
    job.settings = source.settings;
    job.config = of_job(job.name, [&] {
      ConfigNode document = what.document;
      lay_on(document, transfer_layer(source.config.yaml(), plan_.folder / source.name, source.name));
      return make_run_config(
          std::move(document),
          {make_override("run.seed", std::to_string(source.config.run.seed), source.name)});
    });
    add(std::move(job));
  }

  template <class Make>
  static RunConfig of_job(const std::string& name, const Make& make) {
    try {
      return make();
    } catch (const Error& error) {
      fail(error.kind(), "{}: {}", name, error.what());
    }
  }

  void add(SweepJob job) {
    if (!names_.insert(job.name).second)
      fail(ErrorKind::usage,
           "two runs of the sweep are called {}: a value or a label is said twice, or two keys read alike",
           job.name);
    if (job.name.size() > longest_name)
      fail(ErrorKind::usage, "{}: the name of a run has {} characters, and {} at most", job.name,
           job.name.size(), longest_name);
    if (plan_.jobs.size() >= most_jobs)
      fail(ErrorKind::usage, "a sweep of more than {} runs; make several of it", most_jobs);
    const auto [same, is_new] = configs_.emplace(job.config.yaml(), job.name);
    if (!is_new && !job.after)
      fail(ErrorKind::usage, "{} and {} are the same run: a value is said twice", same->second, job.name);
    job.config.run.name = job.name;
    job.config.run.output = plan_.folder.string();
    plan_.jobs.push_back(std::move(job));
  }

  SweepPlan& plan_;
  std::set<std::string> names_;
  std::map<std::string, std::string> configs_;  // of jobs by name
};

// Where the sweep's own file would be.
fs::path place_of(const RunConfig& base, const std::string& file) {
  if (is_sweep(file)) return without_trailing_slash(file);
  std::string name = base.run.name.value_or(fs::path(file).stem().string());
  if (name.empty() || name == "-")
    fail(ErrorKind::usage, "the sweep has no name: give --name, or a file's name");
  return fs::path(base.run.output) / name;
}

// Everything that follows has its own base laid in, so that the document stands for itself.
void lay_bases(ConfigNode& document, const fs::path& file) {
  ConfigNode* section = document.find("sweep");
  ConfigNode* then = section != nullptr ? section->find("then") : nullptr;
  if (then == nullptr || then->kind != Kind::map) return;
  for (auto& [name, each] : then->entries) {
    if (each.kind != Kind::map) continue;
    if (const ConfigNode* model = each.find("model"))
      refuse(*model, fmt::format("sweep.then.{}: the model is that of the training it follows", name));
    const ConfigNode* run = each.find("run");
    if (const ConfigNode* seed = run != nullptr ? run->find("seed") : nullptr)
      refuse(*seed, fmt::format("sweep.then.{}: the seed is that of the training it follows", name));
    each = with_base(std::move(each), file);
    std::erase_if(each.entries, [](const auto& entry) { return entry.first == "model"; });
  }
}

// "DIR/sweep.yaml" of a sweep's folder means the folder.
std::string folder_if_its_file(const std::string& given) {
  const fs::path path = given;
  if (path.filename() != file_name || !fs::is_directory(path.parent_path() / jobs_folder)) return given;
  return path.parent_path().string();
}

}  // namespace

bool is_sweep(const fs::path& folder) {
  std::error_code none;
  return fs::is_regular_file(folder / file_name, none);
}

SweepPlan plan_sweep(const std::string& given, std::vector<ConfigNode> overrides) {
  const std::string file_or_folder = folder_if_its_file(given);
  const std::string file =
      is_sweep(file_or_folder) ? (fs::path(file_or_folder) / file_name).string() : file_or_folder;
  const fs::path path = find_config(file);
  ConfigNode document = with_base(read_document(path), path);
  lay_bases(document, path);
  lay_on(document, combine_overrides(std::move(overrides)));
  SweepPlan plan{.folder = {}, .document = print_tree(document), .jobs = {}, .tasks = 0};
  const Sweep sweep = read_sweep(std::move(document));
  plan.folder = place_of(make_run_config(sweep.base, {}), file_or_folder);
  Planner planner(plan);
  for (const Grid& grid : sweep.grids) planner.add_grid(sweep, grid);
  return plan;
}

SweepPlan plan_of_folder(const fs::path& given) {
  const fs::path folder = folder_if_its_file(given);
  if (!is_sweep(folder))
    fail(ErrorKind::data, "{}: no sweep's folder: it has no sweep.yaml; {}", folder.string(),
         what_is(folder));
  return plan_sweep(folder, {});
}

}  // namespace smlp
