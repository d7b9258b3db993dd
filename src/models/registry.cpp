#include "smlp/models/registry.hpp"

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/models/b_mlp.hpp"
#include "smlp/models/s_mlp.hpp"

namespace smlp {

std::span<const ModelFamily> model_table() {
  static constexpr ModelFamily rows[] = {
      {"b_mlp", make_config<ModelConfig, BMlpConfig>, BMlpConfig::presets, BMlpConfig::recognise},
      {"s_mlp", make_config<ModelConfig, SMlpConfig>, SMlpConfig::presets, SMlpConfig::recognise},
  };
  return rows;
}

std::optional<KeyValues> find_preset(const std::string& name) {
  for (const ModelFamily& family : model_table())
    for (const Preset& preset : family.presets())
      if (auto keys = match_preset(preset, name)) {
        keys->insert(keys->begin(), {"model.name", family.name});
        return keys;
      }
  return std::nullopt;
}

namespace {

[[noreturn]] void refuse_unknown(const TensorShapes& shapes, const std::string& file) {
  constexpr std::size_t shown = 3;
  std::vector<std::string> names = shapes.names(), families;
  const std::size_t all = names.size();
  if (all > shown) names.resize(shown);
  for (std::string& name : names) name = printable(name);
  for (const ModelFamily& family : model_table()) families.emplace_back(family.name);
  fail(ErrorKind::data, "{}: its {} tensors{}{}{} are not those of a model known here ({})", file, all,
       all > 0 ? ": " : "", fmt::join(names, ", "),
       all > shown ? ", …,"
       : all > 0   ? ","
                   : "",
       fmt::join(families, ", "));
}

}  // namespace

RecognisedModel recognise_model(std::span<const SafetensorsEntry> tensors, const std::string& file) {
  const TensorShapes shapes(tensors);
  for (const ModelFamily& family : model_table()) {
    try {
      if (auto found = family.recognise(shapes)) {
        found->family = family.name;
        return *found;
      }
    } catch (const Error& error) {
      fail(error.kind(), "{}: read as {}: {}", file, family.name, error.what());
    }
  }
  refuse_unknown(shapes, file);
}

}  // namespace smlp
