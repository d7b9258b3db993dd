#include "smlp/train/config_files.hpp"

#include <algorithm>

#include "smlp/config/nearest.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/paths.hpp"
#include "smlp/core/text.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/key_words.hpp"

namespace smlp {
namespace {

const std::vector<std::string> families{"model", "optim", "schedule"};

std::optional<fs::path> find_shipped(const std::string& name) {
  if (fs::path(name).has_parent_path()) return std::nullopt;
  for (const fs::path& folder : config_folders())
    if (fs::is_regular_file(folder / name)) return folder / name;
  return std::nullopt;
}

// Keys of earlier versions.
struct Renamed {
  const char *section, *key, *new_section, *new_key;
};
constexpr Renamed renamed_keys[] = {{"model", "init_from", "init", "from"},
                                    {"model", "new_head", "init", "new_head"},
                                    {"model", "head_init", "init", "head"}};

ConfigNode& section_of(ConfigNode& layer, const std::string& name, const Origin& origin) {
  if (layer.find(name) == nullptr)
    layer.entries.emplace_back(name, ConfigNode{ConfigNode::Kind::map, origin});
  return *layer.find(name);
}

void put_if_missing(ConfigNode& layer, const std::string& path, const std::string& value,
                    const Origin& origin) {
  const std::size_t dot = path.find('.');
  ConfigNode& section = section_of(layer, path.substr(0, dot), origin);
  const std::string key = path.substr(dot + 1);
  if (section.find(key) == nullptr)
    section.entries.emplace_back(key, ConfigNode{ConfigNode::Kind::scalar, origin, value});
}

// model.name: "B-12/1024" → {name: b_mlp, depth: 12, width: 1024}
void expand_preset(ConfigNode& layer) {
  ConfigNode* model = layer.find("model");
  ConfigNode* name = model != nullptr ? model->find("name") : nullptr;
  if (name == nullptr || name->kind != ConfigNode::Kind::scalar) return;
  if (!names_a_model(name->text))
    fail(ErrorKind::usage, "{}: model.name is '{}'; {}", name->origin.text(), name->text,
         model_names(name->text));
  const std::optional<KeyValues> keys = find_preset(name->text);
  if (!keys) return;  // a family's name
  const Origin origin = name->origin;
  std::erase_if(model->entries, [](const auto& entry) { return entry.first == "name"; });
  for (const auto& [key, value] : *keys) put_if_missing(layer, key, value, origin);
}

struct ConfigFile {
  ConfigNode tree;
  std::optional<std::string> base;
};

ConfigFile split_base(ConfigNode tree) {
  if (tree.kind != ConfigNode::Kind::map)
    fail(ErrorKind::usage, "{}: the document is not a section of keys", tree.origin.text());
  rename_old_keys(tree);
  expand_preset(tree);
  std::optional<std::string> base;
  read_config(
      [&] {
        ConfigNode only{ConfigNode::Kind::map, tree.origin};
        if (const ConfigNode* node = tree.find("base")) only.entries.emplace_back("base", *node);
        return only;
      }(),
      [&](FieldVisitor& v) { v.path("base", base, "a file to start from, one level"); });
  std::erase_if(tree.entries, [](const auto& entry) { return entry.first == "base"; });
  return {std::move(tree), base};
}

// Beside the file that names it, or as any other.
fs::path find_base(const std::string& base, const fs::path& file) {
  fs::path beside = file.parent_path() / base;
  return fs::is_regular_file(beside) ? beside : find_config(base);
}

// A file laid on its base.
ConfigNode load_document(const fs::path& path) {
  ConfigFile top = split_base(read_document(path));
  if (!top.base) return std::move(top.tree);
  const fs::path base_path = find_base(*top.base, path);
  ConfigFile base = split_base(read_document(base_path));
  if (base.base)
    fail(ErrorKind::usage, "{}: it is the base of {} and has a base of its own; one level is allowed",
         base_path.string(), path.string());
  merge(base.tree, std::move(top.tree), families);
  return std::move(base.tree);
}

}  // namespace

ConfigNode read_document(const fs::path& file) {
  const bool standard = file == "-";
  try {
    if (is_checkpoint(file)) return parse_yaml(read_state(file).config, state_file(file).string());
    const std::string name = standard ? "standard input" : file.string();
    if (!standard && !is_stream(file)) return parse_yaml(read_file(file, max_config_bytes), name);
    const std::string text = read_stream(file, max_config_bytes);
    if (text_lines(text).empty() && file != "/dev/null")  // of a program that failed
      fail(ErrorKind::usage, "{}: empty, expected a configuration", name);
    return parse_yaml(text, name);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    throw Error(ErrorKind::usage, error.what());  // the caller's mistake, not data's
  }
}

ConfigNode with_base(ConfigNode document, const fs::path& file) {
  ConfigFile top = split_base(std::move(document));
  if (!top.base) return std::move(top.tree);
  ConfigNode base = load_document(find_base(*top.base, file));
  merge(base, std::move(top.tree), families);
  return base;
}

void lay_on(ConfigNode& base, ConfigNode over) {
  merge(base, std::move(over), families);
}

RunConfig make_run_config(ConfigNode document, std::vector<ConfigNode> overrides, Origins* origins) {
  RunConfig config;
  rename_old_keys(document);
  expand_preset(document);
  ConfigNode over = combine_overrides(std::move(overrides));
  rename_old_keys(over);
  expand_preset(over);
  if (const ConfigNode* resolved = over.find("resolved"))
    fail(ErrorKind::usage,
         "{}: resolved is what a run has written of itself; set device, data.workers, data.mean and data.std",
         resolved->origin.text());
  merge(document, std::move(over), families);
  read_config(
      document, [&](FieldVisitor& v) { config.fields(v); }, origins, key_meanings());
  check_stop_signals(config.run.stop_signals);
  config.schedule->check(config.optim->lr);
  if (config.train.patience > 0 && config.train.eval_every == 0)
    fail(ErrorKind::usage, "train.patience counts evaluations, and train.eval_every 0 makes one, at the end");
  const auto check = [](const char* section, std::size_t means, std::size_t deviations) {
    if (means != deviations || (means != 0 && means != 3))
      fail(ErrorKind::usage, "{}.mean has {} values and {}.std {}; give three of each, or neither", section,
           means, section, deviations);
  };
  check("data", config.data.mean.size(), config.data.std.size());
  if (config.resolved) check("resolved", config.resolved->mean.size(), config.resolved->std.size());
  return config;
}

std::vector<std::string> shipped_configs() {
  std::vector<std::string> names;
  for (const fs::path& folder : config_folders()) {
    std::error_code missing;
    for (const auto& entry : fs::directory_iterator(folder, missing))
      if (entry.path().extension() == ".yaml") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

fs::path find_config(const std::string& file) {
  const PathKind kind = kind_of_path(file);
  if (kind == PathKind::configuration || kind == PathKind::file || is_stream(file)) return file;
  if (kind == PathKind::checkpoint) return checkpoint_of_file(file);
  if (kind == PathKind::run)
    return fs::exists(fs::path(file) / "config.yaml") ? fs::path(file) / "config.yaml"
                                                      : find_checkpoint(file);
  if (const auto shipped = find_shipped(file)) return *shipped;
  if (const auto shipped = find_shipped(file + ".yaml")) return *shipped;
  if (kind != PathKind::nothing) fail(ErrorKind::usage, "{}: no configuration: {}", file, what_is(file));
  if (const std::string run = run_of_that_name(file); !run.empty())
    fail(ErrorKind::usage, "{}: no such file{}", file, run);
  const std::vector<std::string> names = shipped_configs();
  fail(ErrorKind::usage, "{}: no such file, and no shipped configuration of that name{}; shipped: {}", file,
       did_you_mean(file, names), fmt::join(names, ", "));
}

RunConfig load_run_config(const std::optional<std::string>& file, std::vector<ConfigNode> overrides,
                          Origins* origins, std::optional<ConfigNode> layer) {
  ConfigNode tree{ConfigNode::Kind::map, {}};
  if (file) tree = load_document(find_config(*file));
  if (layer) lay_on(tree, std::move(*layer));
  return make_run_config(std::move(tree), std::move(overrides), origins);
}

RunConfig parse_run_config(const std::string& yaml, const std::string& source,
                           std::vector<ConfigNode> overrides) {
  return make_run_config(parse_yaml(yaml, source), std::move(overrides), nullptr);
}

RunConfig copy_of(const RunConfig& config, std::vector<ConfigNode> overrides) {
  return parse_run_config(config.yaml(), "the configuration", std::move(overrides));
}

void rename_old_keys(ConfigNode& layer) {
  for (const Renamed& old : renamed_keys) {
    ConfigNode* section = layer.find(old.section);
    const ConfigNode* found = section != nullptr ? section->find(old.key) : nullptr;
    if (found == nullptr) continue;
    ConfigNode value = *found;
    std::erase_if(section->entries, [&](const auto& entry) { return entry.first == old.key; });
    ConfigNode& target = section_of(layer, old.new_section, value.origin);
    if (const ConfigNode* other = target.find(old.new_key))
      fail(ErrorKind::usage, "{}: {}.{} is {}.{}, which is already set by {}; keep one", value.origin.text(),
           old.section, old.key, old.new_section, old.new_key, other->origin.text());
    target.entries.emplace_back(old.new_key, std::move(value));
  }
}

}  // namespace smlp
