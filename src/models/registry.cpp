#include "smlp/models/registry.hpp"

#include <algorithm>

#include "smlp/config/nearest.hpp"
#include "smlp/core/error.hpp"
#include "smlp/models/b_mlp.hpp"
#include "smlp/models/gmlp.hpp"
#include "smlp/models/mixer.hpp"
#include "smlp/models/repmlp.hpp"
#include "smlp/models/resmlp.hpp"
#include "smlp/models/resnet.hpp"
#include "smlp/models/rp_mixer.hpp"
#include "smlp/models/s_mlp.hpp"
#include "smlp/models/sparse_mlp.hpp"
#include "smlp/models/vit.hpp"

namespace smlp {

std::span<const ModelFamily> model_table() {
  static constexpr ModelFamily rows[] = {
      {"b_mlp", make_config<ModelConfig, BMlpConfig>, BMlpConfig::presets, BMlpConfig::recognise},
      {"s_mlp", make_config<ModelConfig, SMlpConfig>, SMlpConfig::presets, SMlpConfig::recognise},
      {"sparse_mlp", make_config<ModelConfig, SparseMlpConfig>, SparseMlpConfig::presets,
       SparseMlpConfig::recognise},
      {"mixer", make_config<ModelConfig, MixerConfig>, MixerConfig::presets, MixerConfig::recognise},
      {"rp_mixer", make_config<ModelConfig, RpMixerConfig>, RpMixerConfig::presets, RpMixerConfig::recognise},
      {"gmlp", make_config<ModelConfig, GMlpConfig>, GMlpConfig::presets, GMlpConfig::recognise},
      {"resmlp", make_config<ModelConfig, ResMlpConfig>, ResMlpConfig::presets, ResMlpConfig::recognise},
      {"repmlp", make_config<ModelConfig, RepMlpConfig>, RepMlpConfig::presets, RepMlpConfig::recognise},
      {"vit", make_config<ModelConfig, VitConfig>, VitConfig::presets, VitConfig::recognise},
      {"resnet", make_config<ModelConfig, ResNetConfig>, ResNetConfig::presets, ResNetConfig::recognise},
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

bool names_a_model(const std::string& name) {
  return find_preset(name) ||
         std::ranges::any_of(model_table(), [&](const ModelFamily& family) { return name == family.name; });
}

std::string model_names(const std::string& instead_of) {
  std::vector<std::string> families, presets;
  for (const ModelFamily& family : model_table()) {
    families.emplace_back(family.name);
    for (const Preset& preset : family.presets()) presets.push_back(preset.example);
  }
  std::vector<std::string> all = families;
  all.insert(all.end(), presets.begin(), presets.end());
  return fmt::format("the models are {}, and by name {}{}", fmt::join(families, ", "),
                     fmt::join(presets, ", "), did_you_mean(instead_of, all));
}

std::optional<RecognisedModel> recognise(const TensorShapes& shapes) {
  for (const ModelFamily& family : model_table()) {
    try {
      if (auto found = family.recognise(shapes)) {
        found->family = family.name;
        return found;
      }
    } catch (const Error& error) {
      fail(error.kind(), "read as {}: {}", family.name, error.what());
    }
  }
  return std::nullopt;
}

}  // namespace smlp
