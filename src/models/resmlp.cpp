#include "smlp/models/resmlp.hpp"

#include "layers.hpp"
#include "patches.hpp"

namespace smlp {

void ResMlpConfig::fields(FieldVisitor& v) {
  PatchModelConfig::fields(v);
  v.field("hidden", hidden, "hidden width of the MLP over the features", width_bounds);
  v.field("layer_scale", layer_scale, "factor of each branch at the start; unset: by depth, 0.1 to 1e-6",
          Bounds{.min = 0, .max = 10});
}

double ResMlpConfig::first_scale() const {
  if (layer_scale) return *layer_scale;
  return depth <= 18 ? 0.1 : depth <= 24 ? 1e-5 : 1e-6;
}

// fvcore counts nothing for a multiplication by element.
CostRow ResMlpConfig::norm_costs(const std::string& name, std::int64_t tokens) const {
  return {.layer = name, .parameters = 2 * width, .macs = 0, .saved_bytes = 4 * tokens * width};
}

// The scales keep what they multiply.
std::vector<CostRow> ResMlpConfig::block_costs(const std::string& name, std::int64_t tokens) const {
  return {
      {.layer = name.substr(0, name.size() - 1), .parameters = 2 * width, .saved_bytes = 8 * tokens * width},
      norm_costs(name + "norm1", tokens),
      linear_cost(name + "linear_tokens", tokens, tokens, 0, width),
      norm_costs(name + "norm2", tokens),
      linear_cost(name + "mlp_channels.fc1", width, hidden, 4 * tokens * hidden, tokens),
      linear_cost(name + "mlp_channels.fc2", hidden, width, 0, tokens),
  };
}

const std::vector<Preset>& ResMlpConfig::presets() {
  const auto row = [](const char* name, int depth) {
    return timm_preset(name, {{"model.patch_size", "16"},
                              {"model.depth", std::to_string(depth)},
                              {"model.width", "384"},
                              {"model.hidden", "1536"},
                              {"data.image_size", "224"}});
  };
  static const std::vector<Preset> rows = {row("resmlp_12_224", 12), row("resmlp_24_224", 24),
                                           row("resmlp_36_224", 36)};
  return rows;
}

std::optional<RecognisedModel> ResMlpConfig::recognise(const TensorShapes& shapes) {
  const std::string mix = "linear_tokens.weight", fc1 = "mlp_channels.fc1.weight";
  if (!shapes.has(block_tensor(0, mix))) return std::nullopt;
  const std::int64_t tokens = shapes.rows(block_tensor(0, mix)), hidden = shapes.rows(block_tensor(0, fc1)),
                     width = token_width(shapes, "stem.proj.weight");
  RecognisedModel model = recognise_patches(
      shapes, "resmlp", "stem.proj.weight", tokens,
      {{mix, {tokens, tokens}}, {fc1, {hidden, width}}, {"mlp_channels.fc2.weight", {width, hidden}}});
  model.keys.emplace_back("model.hidden", std::to_string(hidden));
  return model;
}

}  // namespace smlp
