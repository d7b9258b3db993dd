#include "smlp/train/run_config.hpp"

#include <algorithm>

#include "smlp/config/nearest.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/paths.hpp"
#include "smlp/core/threads.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/optim/registry.hpp"

namespace smlp {
namespace {

const std::vector<std::string> families{"model", "optim", "schedule"};

std::optional<fs::path> find_shipped(const std::string& name) {
  for (const fs::path& folder : config_folders())
    if (fs::is_regular_file(folder / name)) return folder / name;
  return std::nullopt;
}

void put(ConfigNode& section, const std::string& key, const std::string& value, const Origin& origin) {
  if (section.find(key) == nullptr)
    section.entries.emplace_back(key, ConfigNode{ConfigNode::Kind::scalar, origin, value});
}

// model.name: "B-12/1024" → {name: b_mlp, depth: 12, width: 1024}
void expand_model_name(ConfigNode& layer) {
  ConfigNode* model = layer.find("model");
  ConfigNode* name = model != nullptr ? model->find("name") : nullptr;
  if (name == nullptr || name->kind != ConfigNode::Kind::scalar) return;
  const std::optional<ModelName> parsed = parse_model_name(name->text);
  if (!parsed) return;
  const Origin origin = name->origin;
  name->text = parsed->family;
  put(*model, "depth", std::to_string(parsed->depth), origin);
  put(*model, "width", std::to_string(parsed->width), origin);
  if (!parsed->image_size) return;
  if (layer.find("data") == nullptr)
    layer.entries.emplace_back("data", ConfigNode{ConfigNode::Kind::map, origin});
  put(*layer.find("data"), "image_size", std::to_string(*parsed->image_size), origin);
}

struct ConfigFile {
  ConfigNode tree;
  std::optional<std::string> base;
};

ConfigFile read_config_file(const fs::path& path) {
  ConfigNode tree;
  try {
    tree = parse_yaml(read_file(path, max_config_bytes), path.string());
  } catch (const Error& error) {
    throw Error(ErrorKind::usage,
                error.what());  // an unreadable configuration is the caller's mistake, not data's
  }
  if (tree.kind != ConfigNode::Kind::map)
    fail(ErrorKind::usage, "{}: the document is not a section of keys", tree.origin.text());
  expand_model_name(tree);
  std::optional<std::string> base;
  read_config(
      [&] {
        ConfigNode only{ConfigNode::Kind::map, tree.origin};
        if (const ConfigNode* node = tree.find("base")) only.entries.emplace_back("base", *node);
        return only;
      }(),
      [&](FieldVisitor& v) { v.field("base", base, "a file to start from, one level"); });
  std::erase_if(tree.entries, [](const auto& entry) { return entry.first == "base"; });
  return {std::move(tree), base};
}

ConfigNode load_layers(const std::string& file) {
  const fs::path path = find_config(file);
  ConfigFile top = read_config_file(path);
  if (!top.base) return std::move(top.tree);
  const fs::path beside = path.parent_path() / *top.base;
  const fs::path base_path = fs::is_regular_file(beside) ? beside : find_config(*top.base);
  ConfigFile base = read_config_file(base_path);
  if (base.base)
    fail(ErrorKind::usage, "{}: it is the base of {} and has a base of its own; one level is allowed",
         base_path.string(), path.string());
  merge(base.tree, std::move(top.tree), families);
  return std::move(base.tree);
}

RunConfig build_config(ConfigNode tree, std::vector<ConfigNode> overrides, Origins* origins) {
  RunConfig config;
  ConfigNode over = combine_overrides(std::move(overrides));
  expand_model_name(over);
  merge(tree, std::move(over), families);
  read_config(
      tree, [&](FieldVisitor& v) { config.fields(v); }, origins);
  const std::size_t means = config.data.mean.size();
  if (means != config.data.std.size() || (means != 0 && means != 3))
    fail(ErrorKind::usage, "data.mean has {} values and data.std {}; give three of each, or neither", means,
         config.data.std.size());
  return config;
}

}  // namespace

void RunSection::fields(FieldVisitor& v) {
  v.field("name", name, "folder of the run; null: date-model-data");
  v.field("output", output, "where run folders are made");
  v.field("seed", seed, "decides every random choice", between(0, 4294967295.0));
}

void DataConfig::fields(FieldVisitor& v) {
  v.field("root", root, "a pack's folder, a name below $SMLP_DATA, or shapes (embedded)");
  v.field("image_size", image_size, "side of the images the model sees, pixels", between(1, 1024));
  v.field("normalize", normalize,
          "auto (the pack's family, or its statistics), pack, or a family: cifar, imagenet, stl");
  v.field("mean", mean, "per channel, of pixels in [0, 1]; [] takes what normalize says", between(-10, 10));
  v.field("std", std, "per channel, of pixels in [0, 1]", Bounds{.min = 0, .max = 10, .min_open = true});
  v.field("fraction", subset.fraction, "part of each class that is used",
          Bounds{.min = 0, .max = 1, .min_open = true});
  v.field("per_class", subset.per_class, "images used of each class; 0: all", between(0, 1e9));
  v.field("holdout", subset.holdout, "part of each class set aside to choose the best epoch",
          Bounds{.min = 0, .max = 1, .max_open = true});
  v.choice("order", order, {{"random", Order::random}, {"windowed", Order::windowed}},
           "windowed: shuffled within a window that moves through the file, for sets larger than memory");
  v.field("window_mib", window_mib, "size of that window; what is held in memory", between(1, 1 << 20));
  v.field("cache_features", cache_features,
          "with a frozen body and no augmentation: compute its features once and train the head on them");
  v.field(
      "workers", workers,
      "threads that render batches ahead; 0: none; -1: one on a CPU, for CUDA one a core but one, up to 16",
      between(-1, 256));
  v.field("prefetch", prefetch, "batches each worker keeps ready", between(1, 64));
}

void TrainConfig::fields(FieldVisitor& v) {
  v.choice("method", method, {{"gradient", Method::gradient}, {"ridge", Method::ridge}},
           "ridge: the head over a frozen body by regularised least squares, in one step without optim");
  v.field("epochs", epochs, "passes over the training images", between(1, 1e6));
  v.field("batch_size", batch_size, "images per optimiser step", between(1, 1 << 20));
  v.field("micro_batch", micro_batch, "images per forward pass; 0: the whole batch", between(0, 1 << 20));
  v.field("eval_every", eval_every, "epochs between evaluations; 0: only at the end", between(0, 1e6));
  v.field("log_every", log_every, "steps between log lines, the only times the device is waited for",
          between(1, 1e6));
  v.field("max_bad_steps", max_bad_steps, "non-finite steps in a row before the run stops", between(1, 1e6));
}

void CheckpointConfig::fields(FieldVisitor& v) {
  v.field("every_epochs", every_epochs, "epochs between checkpoints; 0: only at the end", between(0, 1e6));
  v.field("every_steps", every_steps, "steps between checkpoints, besides; 0: off", between(0, 1e9));
  v.field("every_minutes", every_minutes, "minutes between checkpoints, besides; 0: off", between(0, 1e5));
  v.field("keep_last", keep_last, "newest checkpoints kept", between(1, 1e4));
  v.field("keep_best", keep_best, "best checkpoints kept", between(0, 1));
  v.field("keep_epochs", keep_epochs, "epochs whose checkpoints are made and never deleted", between(1, 1e6));
}

RunConfig::RunConfig()
    : model(choose<ModelConfig>(model_table(), "b_mlp")),
      optim(choose<OptimizerConfig>(optimizer_table(), "lion")),
      schedule(choose<ScheduleConfig>(schedule_table(), "constant")) {}

void RunConfig::fields(FieldVisitor& v) {
  v.section("run", run, "the run's name, place and seed");
  v.section("device", device, "what it runs on");
  v.family("model", model, model_table(),
           "the network; name also takes B-12/1024, B_12-Wi_1024_res_64_in21k, …");
  v.section("data", data, "the images");
  v.section("augment", augment, "what is done to training images");
  v.section("loss", loss, "cross entropy");
  v.family("optim", optim, optimizer_table(), "the optimiser");
  v.family("schedule", schedule, schedule_table(), "the learning rate over the steps");
  v.section("train", train, "the loop");
  v.section("checkpoint", checkpoint, "what is saved and kept");
}

// fields() serves readers and writers alike; printing only reads.
std::vector<KeyRow> RunConfig::rows() const {
  return config_rows([&](FieldVisitor& v) { const_cast<RunConfig*>(this)->fields(v); });
}

std::string RunConfig::yaml(const Origins* origins) const {
  return print_config([&](FieldVisitor& v) { const_cast<RunConfig*>(this)->fields(v); }, origins);
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
  if (fs::is_regular_file(file)) return file;
  if (const auto shipped = find_shipped(file)) return *shipped;
  if (const auto shipped = find_shipped(file + ".yaml")) return *shipped;
  const std::vector<std::string> names = shipped_configs();
  fail(ErrorKind::usage, "{}: no such file, and no shipped configuration of that name{}; shipped: {}", file,
       did_you_mean(file, names), fmt::join(names, ", "));
}

RunConfig load_run_config(const std::optional<std::string>& file, std::vector<ConfigNode> overrides,
                          Origins* origins, std::optional<ConfigNode> layer) {
  ConfigNode tree{ConfigNode::Kind::map, {}};
  if (file) tree = load_layers(*file);
  if (layer) merge(tree, std::move(*layer), families);
  return build_config(std::move(tree), std::move(overrides), origins);
}

RunConfig parse_run_config(const std::string& yaml, const std::string& source,
                           std::vector<ConfigNode> overrides) {
  return build_config(parse_yaml(yaml, source), std::move(overrides), nullptr);
}

std::int64_t resolve_workers(const DataConfig& config, const Device& device) {
  if (config.workers >= 0) return config.workers;
  return device.is_cuda() ? std::clamp(available_cores() - 1, 1, 16) : 1;
}

ChannelStatistics resolve_normalization(const DataConfig& config, const DatasetInfo& training_set) {
  if (!config.mean.empty()) return {config.mean, config.std};
  const bool own = config.normalize == "pack" || (config.normalize == "auto" && training_set.family.empty());
  if (own) return training_set.statistics;
  return family_statistics(config.normalize == "auto" ? training_set.family : config.normalize);
}

}  // namespace smlp
