#include "smlp/train/exported_config.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/nn/model.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t max_bytes = 64 << 20;
constexpr int max_depth = 16;
// A value of the configuration as JSON: numbers, booleans and lists as they are, anything else as text.
Json json_value(const std::string& yaml) {
  const Json parsed = Json::parse(yaml, nullptr, false);
  return parsed.is_discarded() || parsed.is_object() ? Json(yaml) : parsed;
}

Json args_json(const RunConfig& config) {
  Json args = Json::object();
  for (const auto& [key, value] : model_args(config))
    if (const Json json = json_value(value); !json.is_null()) args[key] = json;
  return args;
}

bool named(const std::vector<std::string>& classes) {
  return std::ranges::none_of(classes, [](const std::string& each) { return each.empty(); });
}

void check_statistics(const ChannelStatistics& statistics, const std::string& file) {
  const auto& [mean, deviation] = statistics;
  if (mean.size() != 3 || deviation.size() != 3 ||
      std::ranges::any_of(mean, [](double m) { return std::abs(m) > 10; }) ||
      std::ranges::any_of(deviation, [](double d) { return d < 1e-6 || d > 10; }))
    fail(ErrorKind::data,
         "{}: pretrained_cfg: mean [{}] and std [{}], expected three of each, from -10 and 1e-6 to 10", file,
         fmt::join(mean, ", "), fmt::join(deviation, ", "));
}

// By the family's name, or timm's of a model of it: "mixer_b16_224".
bool describes(const nlohmann::json& json, const std::string& family) {
  return json.is_object() && json.contains("architecture") && json["architecture"].is_string() &&
         json["architecture"].get<std::string>().starts_with(family);
}

// A sparse_mlp of dense layers has the tensors of its kind, and more keys.
bool describes_of_kind(const nlohmann::json& json, const std::string& family) {
  const nlohmann::json::json_pointer kind("/model_args/kind"), architecture("/architecture");
  return json.contains(kind) && json[kind] == family && json.contains(architecture) &&
         json[architecture] == "sparse_mlp";
}

KeyValues args_from_json(const nlohmann::json& args) {
  KeyValues keys;
  for (const auto& [key, value] : args.items())
    keys.emplace_back("model." + printable(key),
                      printable(value.is_string() ? value.get<std::string>() : value.dump()));
  return keys;
}

void read_image_size(const nlohmann::json& cfg, ExportedConfig& found) {
  if (!cfg.contains("input_size")) return;
  const auto size = cfg["input_size"].get<std::vector<std::int64_t>>();
  if (size.size() != 3 || size[0] != 3 || size[1] != size[2] || size[1] < 1 || size[1] > max_image_size)
    fail(ErrorKind::data, "{}: pretrained_cfg: input_size {}, expected [3, S, S], S from 1 to {}", found.file,
         cfg["input_size"].dump(), max_image_size);
  found.image_size = static_cast<int>(size[1]);
}

// timm's keys; the part that is not cut off is of images of the input's size.
void read_crop(const nlohmann::json& cfg, ExportedConfig& found) {
  if (!cfg.contains("crop_pct") || !found.image_size) return;
  const bool squash = cfg.value("crop_mode", "center") == "squash";
  found.preparation = read_preparation({{"size", *found.image_size},
                                        {"resize", squash ? "squash" : "crop"},
                                        {"decode", "accurate"},
                                        {"crop_pct", cfg["crop_pct"]}},
                                       found.file);
}

// Some of timm's files have these keys at the top. What stands among an export's own goes over timm's.
void read_keys(const nlohmann::json& json, bool own, ExportedConfig& found) {
  const nlohmann::json& cfg = json.contains("pretrained_cfg") ? json["pretrained_cfg"] : json;
  if (cfg.contains("mean") || cfg.contains("std")) found.normalization = {cfg.at("mean"), cfg.at("std")};
  read_image_size(cfg, found);
  if (json.contains("label_names")) json["label_names"].get_to(found.classes);
  if (!own) return read_crop(cfg, found);
  if (json.contains("model_args")) found.model = args_from_json(json["model_args"]);
  if (json.contains("preparation")) found.preparation = read_preparation(json["preparation"], found.file);
  if (json.contains("permute_pixels"))
    found.model.emplace_back("data.permute_pixels", printable(json["permute_pixels"].dump()));
}

}  // namespace

KeyValues model_args(const RunConfig& config) {
  const std::string section = "model.";
  KeyValues args;
  for (const KeyRow& row : config.rows())
    if (row.path.starts_with(section) && row.path != "model.name")
      args.emplace_back(row.path.substr(section.size()), row.value);
  return args;
}

std::string exported_config(const SavedModel& saved) {
  const RunConfig& c = saved.config;
  std::int64_t features = 0;
  for (const auto& item : saved.model->named_parameters())
    if (item.key() == saved.model->head_prefix() + "weight") features = item.value().size(1);
  const std::int64_t size = c.data.image_size;
  Json json{{"architecture", c.model.name},
            {"num_classes", saved.state.classes.size()},
            {"num_features", features}};
  if (named(saved.state.classes)) json["label_names"] = saved.state.classes;
  json["model_args"] = args_json(c);
  json["pretrained_cfg"] = {{"input_size", {3, size, size}},
                            {"mean", saved.state.normalization.mean},
                            {"std", saved.state.normalization.std},
                            {"interpolation", "bilinear"},
                            {"crop_pct", saved.state.preparation.crop_pct}};
  if (saved.state.preparation.size > 0) {
    json["pretrained_cfg"]["crop_mode"] = saved.state.preparation.resize == "crop" ? "center" : "squash";
    json["preparation"] = preparation_json(saved.state.preparation);
  }
  if (c.data.permute_pixels) json["permute_pixels"] = *c.data.permute_pixels;
  return json_text(json, 2) + "\n";
}

std::optional<ExportedConfig> read_exported_config(const fs::path& folder, const std::string& family) {
  const fs::path path = folder / "config.json";
  if (!fs::exists(path)) return std::nullopt;
  const std::string file = path.string();
  const nlohmann::json json = parse_json(read_file(path, max_bytes), file, max_depth);
  const bool of_kind = describes_of_kind(json, family);
  if (!of_kind && !describes(json, family)) {
    log().warn("{}: it describes no {}, so nothing is taken from it", file, family);
    return std::nullopt;
  }
  ExportedConfig found{.file = file};
  try {
    read_keys(json, of_kind || json["architecture"] == family, found);
    if (of_kind) found.model.emplace(found.model.begin(), "model.name", "sparse_mlp");
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::data, "{}: a key is missing or of another type than an export's or timm's: {}", file,
         error.what());
  }
  check_class_names(found.classes, file);
  if (found.normalization) check_statistics(*found.normalization, file);
  return found;
}

}  // namespace smlp
