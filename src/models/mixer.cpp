#include "smlp/models/mixer.hpp"

#include "layers.hpp"
#include "patches.hpp"

namespace smlp {

void MixerConfig::fields(FieldVisitor& v) {
  PatchModelConfig::fields(v);
  v.field("token_hidden", token_hidden, "hidden width of the MLP over the tokens", width_bounds);
  v.field("channel_hidden", channel_hidden, "hidden width of the MLP over the features", width_bounds);
  v.choice("norm", norm, {{"layer", NormKind::layer}, {"none", NormKind::none}},
           "normalisation of each mixing");
}

CostRow MixerConfig::norm_costs(const std::string& name, std::int64_t tokens) const {
  if (norm == NormKind::none) return {.layer = name};
  return PatchModelConfig::norm_costs(name, tokens);
}

std::vector<CostRow> MixerConfig::block_costs(const std::string& name, std::int64_t tokens) const {
  return {
      norm_costs(name + "norm1", tokens),
      linear_cost(name + "mlp_tokens.fc1", tokens, token_hidden, 4 * width * token_hidden, width),
      linear_cost(name + "mlp_tokens.fc2", token_hidden, tokens, 0, width),
      norm_costs(name + "norm2", tokens),
      linear_cost(name + "mlp_channels.fc1", width, channel_hidden, 4 * tokens * channel_hidden, tokens),
      linear_cost(name + "mlp_channels.fc2", channel_hidden, width, 0, tokens),
  };
}

const std::vector<Preset>& MixerConfig::presets() {
  const auto row = [](const char* name, int image_size, int patch, int depth, int width, int tokens) {
    return timm_preset(name, {{"model.patch_size", std::to_string(patch)},
                              {"model.depth", std::to_string(depth)},
                              {"model.width", std::to_string(width)},
                              {"model.token_hidden", std::to_string(tokens)},
                              {"model.channel_hidden", std::to_string(4 * width)},
                              {"data.image_size", std::to_string(image_size)}});
  };
  static const std::vector<Preset> rows = {
      row("mixer_s32_224", 224, 32, 8, 512, 256),   row("mixer_s16_224", 224, 16, 8, 512, 256),
      row("mixer_b32_224", 224, 32, 12, 768, 384),  row("mixer_b16_224", 224, 16, 12, 768, 384),
      row("mixer_l32_224", 224, 32, 24, 1024, 512), row("mixer_l16_224", 224, 16, 24, 1024, 512),
      row("mixer_b4_64", 64, 4, 12, 768, 1024),
  };
  return rows;
}

std::optional<RecognisedModel> MixerConfig::recognise(const TensorShapes& shapes) {
  if (!shapes.has(block_tensor(0, "mlp_tokens.fc1.weight")) || shapes.has(block_tensor(0, "permutations")))
    return std::nullopt;
  return recognise_blocks(shapes, "mixer");
}

RecognisedModel MixerConfig::recognise_blocks(const TensorShapes& shapes, const char* family) {
  const std::string tokens1 = "mlp_tokens.fc1.weight", channels1 = "mlp_channels.fc1.weight";
  const std::int64_t tokens = shapes.columns(block_tensor(0, tokens1)),
                     token_hidden = shapes.rows(block_tensor(0, tokens1)),
                     channel_hidden = shapes.rows(block_tensor(0, channels1)),
                     width = token_width(shapes, "stem.proj.weight");
  RecognisedModel model = recognise_patches(shapes, family, "stem.proj.weight", tokens,
                                            {{tokens1, {token_hidden, tokens}},
                                             {"mlp_tokens.fc2.weight", {tokens, token_hidden}},
                                             {channels1, {channel_hidden, width}},
                                             {"mlp_channels.fc2.weight", {width, channel_hidden}}});
  model.keys.emplace_back("model.token_hidden", std::to_string(token_hidden));
  model.keys.emplace_back("model.channel_hidden", std::to_string(channel_hidden));
  model.keys.emplace_back("model.norm", shapes.has(block_tensor(0, "norm1.weight")) ? "layer" : "none");
  return model;
}

}  // namespace smlp
