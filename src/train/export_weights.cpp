#include <nlohmann/json.hpp>

#include "smlp/core/files.hpp"
#include "smlp/formats/torch_zip.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/import_weights.hpp"
#include "smlp/train/saved_model.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;

// A value of the configuration as JSON: numbers and booleans as they are, anything else as text.
Json json_value(const std::string& yaml) {
  const Json parsed = Json::parse(yaml, nullptr, false);
  return parsed.is_discarded() || parsed.is_structured() ? Json(yaml) : parsed;
}

Json config_json(const SavedModel& saved) {
  const RunConfig& c = saved.config;
  const std::string section = "model.";
  Json model_args = Json::object();
  for (const KeyRow& row : c.rows())
    if (row.path.starts_with(section) && row.path != "model.name" && row.path != "model.init_from" &&
        row.path != "model.new_head" && row.path != "model.head_init")
      model_args[row.path.substr(section.size())] = json_value(row.value);
  std::int64_t features = 0;
  for (const auto& item : saved.model->named_parameters())
    if (item.key() == saved.model->head_prefix() + "weight") features = item.value().size(1);
  const std::int64_t size = c.data.image_size;
  return {{"architecture", c.model.name},
          {"num_classes", saved.state.classes.size()},
          {"num_features", features},
          {"label_names", saved.state.classes},
          {"model_args", model_args},
          {"pretrained_cfg",
           {{"input_size", {3, size, size}},
            {"mean", saved.state.normalization.mean},
            {"std", saved.state.normalization.std},
            {"interpolation", "bilinear"},
            {"crop_pct", 1.0}}}};
}

}  // namespace

void export_weights(const std::filesystem::path& checkpoint, const std::filesystem::path& to, bool pt) {
  const SavedModel saved = open_saved_model(checkpoint, false);
  const SafetensorsFile weights(CheckpointFiles::model(saved.checkpoint));
  StagedDirectory staged(to);
  if (pt)
    write_torch_zip(staged.path() / "model.pt", weights.entries());
  else
    write_safetensors(staged.path() / "model.safetensors", weights.entries(), {{"format", "pt"}});
  write_file_atomically(staged.path() / "config.json",
                        config_json(saved).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  staged.commit();
}

}  // namespace smlp
