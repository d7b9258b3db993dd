#include "smlp/models/vit.hpp"

#include "layers.hpp"
#include "patches.hpp"
#include "smlp/core/error.hpp"

namespace smlp {
namespace {

constexpr std::int64_t usual_head_width = 64;

std::int64_t usual_heads(std::int64_t width) {
  return width % usual_head_width == 0 ? width / usual_head_width : 1;
}

}  // namespace

void VitConfig::fields(FieldVisitor& v) {
  PatchModelConfig::fields(v);
  v.field("heads", heads, "attention heads; they share the width", between(1, 65536));
  v.field("hidden", hidden, "hidden width of the MLP", width_bounds);
}

void VitConfig::check(int image_size) const {
  PatchModelConfig::check(image_size);
  if (width % heads != 0)
    fail(ErrorKind::usage, "model.heads: {}, which do not share model.width: {} evenly", heads, width);
}

// The attention's two products are of no layer: they are counted with qkv. It keeps queries, keys, values,
// its result, which the projection keeps too, and a number for each query and head.
std::vector<CostRow> VitConfig::block_costs(const std::string& name, std::int64_t tokens) const {
  CostRow qkv = linear_cost(name + "attn.qkv", width, 3 * width, 4 * tokens * (3 * width + heads), tokens);
  qkv.macs += 2 * tokens * tokens * width;
  return {
      norm_cost(name + "norm1", NormKind::layer, width, tokens),
      qkv,
      linear_cost(name + "attn.proj", width, width, 0, tokens),
      norm_cost(name + "norm2", NormKind::layer, width, tokens),
      linear_cost(name + "mlp.fc1", width, hidden, 4 * tokens * hidden, tokens),
      linear_cost(name + "mlp.fc2", hidden, width, 0, tokens),
  };
}

std::vector<CostRow> VitConfig::costs(int image_size, int classes) const {
  const std::int64_t patches = tokens(image_size), count = patches + 1;
  std::vector<CostRow> rows = {
      {.layer = "cls_token", .parameters = width},
      {.layer = "pos_embed", .parameters = count * width},
      linear_cost("patch_embed.proj", 3 * patch_size * patch_size, width, 0, patches),
  };
  for (std::int64_t i = 0; i < depth; ++i)
    for (CostRow& row : block_costs(block_tensor(i, ""), count)) rows.push_back(std::move(row));
  rows.push_back(norm_cost("norm", NormKind::layer, width, count));
  rows.push_back(linear_cost("head", width, classes));
  return rows;
}

const std::vector<Preset>& VitConfig::presets() {
  const auto row = [](const char* name, int image_size, int patch, int width) {
    return timm_preset(name, {{"model.patch_size", std::to_string(patch)},
                              {"model.depth", "12"},
                              {"model.width", std::to_string(width)},
                              {"model.heads", std::to_string(usual_heads(width))},
                              {"model.hidden", std::to_string(4 * width)},
                              {"data.image_size", std::to_string(image_size)}});
  };
  static const std::vector<Preset> rows = {
      row("vit_b4_64", 64, 4, 768), row("vit_base_patch16_224", 224, 16, 768),
      row("vit_small_patch16_224", 224, 16, 384), row("vit_tiny_patch16_224", 224, 16, 192)};
  return rows;
}

std::optional<RecognisedModel> VitConfig::recognise(const TensorShapes& shapes) {
  const std::string qkv = "attn.qkv.weight", fc1 = "mlp.fc1.weight";
  if (!shapes.has("cls_token") || !shapes.has(block_tensor(0, qkv))) return std::nullopt;
  const std::int64_t count = shapes.shape("pos_embed", 3)[1], hidden = shapes.rows(block_tensor(0, fc1)),
                     width = token_width(shapes, "patch_embed.proj.weight");
  shapes.expect("cls_token", {1, 1, width});
  shapes.expect("pos_embed", {1, count, width});
  RecognisedModel model = recognise_patches(shapes, "vit", "patch_embed.proj.weight", count - 1,
                                            {{qkv, {3 * width, width}},
                                             {"attn.proj.weight", {width, width}},
                                             {fc1, {hidden, width}},
                                             {"mlp.fc2.weight", {width, hidden}}});
  model.keys.emplace_back("model.heads", std::to_string(usual_heads(width)));
  model.keys.emplace_back("model.hidden", std::to_string(hidden));
  return model;
}

}  // namespace smlp
