#include "smlp/models/gmlp.hpp"

#include "layers.hpp"
#include "patches.hpp"
#include "smlp/core/error.hpp"

namespace smlp {

void GMlpConfig::fields(FieldVisitor& v) {
  PatchModelConfig::fields(v);
  v.field("hidden", hidden, "width inside a block, even: half of it is gated by the other",
          between(2, 65536));
}

void GMlpConfig::check(int image_size) const {
  PatchModelConfig::check(image_size);
  if (hidden % 2 != 0) fail(ErrorKind::usage, "model.hidden: {}: expected an even number", hidden);
}

// The gate's product keeps both its factors, and with them the whole of the activation; the transposed input
// of its linear layer is a copy.
std::vector<CostRow> GMlpConfig::block_costs(const std::string& name, std::int64_t tokens) const {
  const std::int64_t gated = hidden / 2;
  CostRow gate_norm = norm_cost(name + "mlp_channels.gate.norm", NormKind::layer, gated, tokens);
  gate_norm.saved_bytes += 4 * tokens * gated;
  return {
      norm_cost(name + "norm", NormKind::layer, width, tokens),
      linear_cost(name + "mlp_channels.fc1", width, hidden, 4 * tokens * hidden, tokens),
      gate_norm,
      linear_cost(name + "mlp_channels.gate.proj", tokens, tokens, 4 * tokens * gated, gated),
      linear_cost(name + "mlp_channels.fc2", gated, width, 0, tokens),
  };
}

const std::vector<Preset>& GMlpConfig::presets() {
  const auto row = [](const char* name, int width) {
    return timm_preset(name, {{"model.patch_size", "16"},
                              {"model.depth", "30"},
                              {"model.width", std::to_string(width)},
                              {"model.hidden", std::to_string(6 * width)},
                              {"data.image_size", "224"}});
  };
  static const std::vector<Preset> rows = {row("gmlp_ti16_224", 128), row("gmlp_s16_224", 256),
                                           row("gmlp_b16_224", 512)};
  return rows;
}

std::optional<RecognisedModel> GMlpConfig::recognise(const TensorShapes& shapes) {
  const std::string gate = "mlp_channels.gate.proj.weight", fc1 = "mlp_channels.fc1.weight";
  if (!shapes.has(block_tensor(0, gate))) return std::nullopt;
  const std::int64_t tokens = shapes.rows(block_tensor(0, gate)), hidden = shapes.rows(block_tensor(0, fc1)),
                     width = token_width(shapes, "stem.proj.weight");
  if (hidden % 2 != 0) fail(ErrorKind::data, "{} has {} rows, an odd number", block_tensor(0, fc1), hidden);
  RecognisedModel model = recognise_patches(
      shapes, "gmlp", "stem.proj.weight", tokens,
      {{gate, {tokens, tokens}}, {fc1, {hidden, width}}, {"mlp_channels.fc2.weight", {width, hidden / 2}}});
  model.keys.emplace_back("model.hidden", std::to_string(hidden));
  return model;
}

}  // namespace smlp
