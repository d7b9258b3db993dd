#include "smlp/models/patch_model.hpp"

#include "layers.hpp"
#include "patches.hpp"
#include "smlp/core/error.hpp"
#include "smlp/data/dataset_info.hpp"

namespace smlp {

void PatchModelConfig::fields(FieldVisitor& v) {
  v.field("patch_size", patch_size, "pixels a side of the patches that become tokens", between(1, 4096));
  v.field("depth", depth, "blocks", depth_bounds);
  v.field("width", width, "features of a token", width_bounds);
}

void PatchModelConfig::check(int image_size) const {
  if (image_size % patch_size != 0)
    fail(ErrorKind::usage,
         "data.image_size: {}, which patches of model.patch_size: {} do not cover; choose a multiple",
         image_size, patch_size);
  constexpr std::int64_t most_tokens = 65'536;
  if (tokens(image_size) > most_tokens)
    fail(ErrorKind::usage,
         "model.patch_size: {} makes {} tokens of {}x{} pixels, at most {}; choose larger patches",
         patch_size, tokens(image_size), image_size, image_size, most_tokens);
}

std::string PatchModelConfig::sizes() const {
  return fmt::format("depth {}, width {}, patches of {}", depth, width, patch_size);
}

std::int64_t PatchModelConfig::tokens(int image_size) const {
  const std::int64_t side = image_size / patch_size;
  return side * side;
}

CostRow PatchModelConfig::norm_costs(const std::string& name, std::int64_t tokens) const {
  return norm_cost(name, NormKind::layer, width, tokens);
}

std::vector<CostRow> PatchModelConfig::costs(int image_size, int classes) const {
  const std::int64_t count = tokens(image_size);
  std::vector<CostRow> rows = {linear_cost("stem.proj", 3 * patch_size * patch_size, width, 0, count)};
  for (std::int64_t i = 0; i < depth; ++i)
    for (CostRow& row : block_costs(block_tensor(i, ""), count)) rows.push_back(std::move(row));
  rows.push_back(norm_costs("norm", count));
  std::erase_if(rows, [](const CostRow& row) { return row.parameters == 0; });  // norms of kind none
  rows.push_back(linear_cost("head", width, classes));
  return rows;
}

Preset timm_preset(const std::string& name, KeyValues keys) {
  return {.example = name,
          .pattern = std::regex(name + R"((?:\.[a-z0-9_]+)?)", std::regex::icase),
          .keys = std::move(keys)};
}

std::int64_t token_width(const TensorShapes& shapes, const std::string& stem) {
  const std::int64_t width = shapes.shape(stem, 4)[0];
  if (width < 1 || width > most_width)
    fail(ErrorKind::data, "{} embeds patches as {} features, expected 1 to {}", stem, width, most_width);
  return width;
}

RecognisedModel recognise_patches(const TensorShapes& shapes, const std::string& family,
                                  const std::string& stem, std::int64_t patches, const BlockShapes& block) {
  const std::int64_t width = token_width(shapes, stem), patch = shapes.shape(stem, 4)[2],
                     outputs = shapes.rows("head.weight");
  shapes.expect(stem, {width, 3, patch, patch});
  if (patch < 1 || patch > max_image_size)
    fail(ErrorKind::data, "{} is of patches of {} pixels, expected 1 to {}", stem, patch, max_image_size);
  shapes.expect("head.weight", {outputs, width});
  const std::string& first = block[0].first;
  const std::int64_t depth = shapes.count([&](std::int64_t i) { return block_tensor(i, first); });
  for (std::int64_t i = 0; i < depth; ++i)
    for (const auto& [name, shape] : block) shapes.expect(block_tensor(i, name), shape);
  const std::int64_t side = square_side(patches, "patches", block_tensor(0, first));
  const int image = image_side(3 * side * side * patch * patch, stem);
  return {.keys = {{"model.name", family},
                   {"model.patch_size", std::to_string(patch)},
                   {"model.depth", std::to_string(depth)},
                   {"model.width", std::to_string(width)},
                   {"data.image_size", std::to_string(image)}},
          .image_size = image,
          .classes = class_count(outputs, "head.weight"),
          .tensors = same_names(shapes)};
}

}  // namespace smlp
