#include "smlp/models/b_mlp.hpp"

#include "layers.hpp"
#include "smlp/core/error.hpp"

namespace smlp {

void BMlpConfig::fields(FieldVisitor& v) {
  v.field("depth", depth, "blocks", depth_bounds);
  v.field("width", width, "features between blocks", width_bounds);
  v.field("expansion", expansion, "width inside a bottleneck block, in multiples of width", between(1, 64));
  norm_field(v, norm);
  v.choice("norm_position", norm_position, {{"pre", NormPosition::pre}, {"post", NormPosition::post}},
           "normalise a block's input, or its sum");
  activation_field(v, activation);
  v.field("skip", skip, "add each block's input to its output");
  v.field("bottleneck", bottleneck, "blocks expand and contract; false: layers of equal width");
  v.field("layers_per_block", layers_per_block, "linear layers in a block without bottleneck",
          between(1, 64));
  dropout_field(v, dropout);
  parametrization_fields(v, parametrization, base_width);
}

void BMlpConfig::check(int /*image_size*/) const {
  if (bottleneck && layers_per_block != 2)
    fail(ErrorKind::usage,
         "model.layers_per_block: {}: a block with a bottleneck has two layers; set model.bottleneck: false "
         "to choose",
         layers_per_block);
}

double BMlpConfig::width_multiplier() const {
  return parametrization == Parametrization::mup
             ? static_cast<double>(width) / static_cast<double>(base_width)
             : 1;
}

std::string BMlpConfig::sizes() const {
  return fmt::format("depth {}, width {}", depth, width);
}

std::vector<std::int64_t> BMlpConfig::block_widths() const {
  if (bottleneck) return {width, expansion * width, width};
  return std::vector<std::int64_t>(static_cast<std::size_t>(layers_per_block + 1), width);
}

// GELU keeps its input. ReLU keeps its result, which what follows keeps anyway, unless that is the sum.
bool BMlpConfig::keeps_activation(std::size_t layer, std::size_t layers) const {
  const bool last = layer + 1 == layers;
  if (last && bottleneck) return false;
  return activation == Activation::gelu || (last && skip);
}

std::vector<CostRow> BMlpConfig::costs(int image_size, int classes) const {
  const std::int64_t dropped = dropout_bytes(width, dropout);
  const std::vector<std::int64_t> widths = block_widths();
  const std::size_t layers = widths.size() - 1;
  std::vector<CostRow> rows = {linear_cost("linear_in", input_features(image_size), width, dropped)};
  for (std::int64_t i = 0; i < depth; ++i) {
    const std::string n = std::to_string(i);
    const bool normed = norm != NormKind::none;
    if (normed && norm_position == NormPosition::pre)
      rows.push_back(norm_cost("layernorms." + n, norm, width));
    for (std::size_t k = 0; k < layers; ++k)
      rows.push_back(linear_cost("blocks." + n + ".block." + std::to_string(2 * k), widths[k], widths[k + 1],
                                 keeps_activation(k, layers) ? 4 * widths[k + 1] : 0));
    if (normed && norm_position == NormPosition::post)
      rows.push_back(norm_cost("layernorms." + n, norm, width));
    rows.back().saved_bytes += dropped;
  }
  rows.push_back(linear_cost("linear_out", width, classes));
  return rows;
}

const std::vector<Preset>& BMlpConfig::presets() {
  static const std::vector<Preset> rows = paper_presets('B');
  return rows;
}

std::optional<RecognisedModel> BMlpConfig::recognise(const TensorShapes& shapes) {
  const auto weight = [](std::int64_t block, std::int64_t layer) {  // activations lie between the layers
    return fmt::format("blocks.{}.block.{}.weight", block, 2 * layer);
  };
  if (!shapes.has(weight(0, 0))) return std::nullopt;
  const std::int64_t width = shapes.rows("linear_in.weight"), outputs = shapes.rows("linear_out.weight");
  const std::int64_t inner = shapes.rows(weight(0, 0));
  if (width < 1) fail(ErrorKind::data, "linear_in.weight has no rows");
  const bool bottleneck = inner > width && inner % width == 0;
  const std::int64_t depth = shapes.count([&](std::int64_t i) { return weight(i, 0); });
  const std::int64_t layers = bottleneck ? 2 : shapes.count([&](std::int64_t k) { return weight(0, k); });
  for (std::int64_t i = 0; i < depth; ++i)
    for (std::int64_t k = 0; k < layers; ++k)
      shapes.expect(weight(i, k),
                    {bottleneck && k == 0 ? inner : width, bottleneck && k == 1 ? inner : width});
  shapes.expect("linear_out.weight", {outputs, width});

  const int side = image_side(shapes.columns("linear_in.weight"), "linear_in.weight");
  KeyValues keys{{"model.name", "b_mlp"},
                 {"model.depth", std::to_string(depth)},
                 {"model.width", std::to_string(width)},
                 {"model.norm", recognise_norm(shapes)},
                 {"data.image_size", std::to_string(side)}};
  if (bottleneck) {
    keys.emplace_back("model.expansion", std::to_string(inner / width));
  } else {
    keys.emplace_back("model.bottleneck", "false");
    keys.emplace_back("model.layers_per_block", std::to_string(layers));
  }
  return RecognisedModel{.keys = std::move(keys),
                         .image_size = side,
                         .classes = class_count(outputs, "linear_out.weight"),
                         .tensors = same_names(shapes)};
}

}  // namespace smlp
