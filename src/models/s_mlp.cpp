#include "smlp/models/s_mlp.hpp"

#include "layers.hpp"
#include "smlp/core/error.hpp"

namespace smlp {

void SMlpConfig::fields(FieldVisitor& v) {
  v.field("depth", depth, "linear layers before the head, the embedding included", depth_bounds);
  v.field("width", width, "features between layers", width_bounds);
  norm_field(v, norm);
  activation_field(v, activation);
  v.choice(
      "block_order", block_order,
      {{"norm_act_linear", BlockOrder::norm_act_linear}, {"norm_linear_act", BlockOrder::norm_linear_act}},
      "the published code's order, or the paper's text's");
  dropout_field(v, dropout);
  parametrization_fields(v, parametrization, base_width);
}

double SMlpConfig::width_multiplier() const {
  return parametrization == Parametrization::mup
             ? static_cast<double>(width) / static_cast<double>(base_width)
             : 1;
}

std::string SMlpConfig::sizes() const {
  return fmt::format("depth {}, width {}", depth, width);
}

// GELU keeps its input, beside what the layers keep; ReLU keeps its result, which is the next layer's input.
std::vector<CostRow> SMlpConfig::costs(int image_size, int classes) const {
  const std::int64_t dropped = dropout_bytes(width, dropout);
  const std::int64_t activated = activation == Activation::gelu ? 4 * width : 0;
  std::vector<CostRow> rows = {linear_cost("linear_in", input_features(image_size), width, dropped)};
  for (std::int64_t i = 0; i + 1 < depth; ++i) {
    const std::string n = std::to_string(i);
    if (norm != NormKind::none) rows.push_back(norm_cost("layernorms." + n, norm, width));
    rows.push_back(linear_cost("layers." + n, width, width, activated + dropped));
  }
  rows.push_back(linear_cost("linear_out", width, classes));
  return rows;
}

const std::vector<Preset>& SMlpConfig::presets() {
  static const std::vector<Preset> rows = paper_presets('S');
  return rows;
}

// With depth 1 there are only embedding and head.
std::optional<RecognisedModel> SMlpConfig::recognise(const TensorShapes& shapes) {
  const auto weight = [](std::int64_t layer) { return fmt::format("layers.{}.weight", layer); };
  const bool embeds = shapes.has("linear_in.weight") && shapes.has("linear_out.weight") &&
                      !shapes.has("layers.0.bias") && !shapes.has("blocks.0.block.0.bias");
  if (!embeds && !shapes.has(weight(0))) return std::nullopt;
  const std::int64_t width = shapes.rows("linear_in.weight"), outputs = shapes.rows("linear_out.weight");
  if (width < 1) fail(ErrorKind::data, "linear_in.weight has no rows");
  const std::int64_t layers = shapes.count(weight);
  for (std::int64_t i = 0; i < layers; ++i) shapes.expect(weight(i), {width, width});
  shapes.expect("linear_out.weight", {outputs, width});

  const int side = image_side(shapes.columns("linear_in.weight"), "linear_in.weight");
  return RecognisedModel{.keys = {{"model.name", "s_mlp"},
                                  {"model.depth", std::to_string(layers + 1)},
                                  {"model.width", std::to_string(width)},
                                  {"model.norm", recognise_norm(shapes)},
                                  {"data.image_size", std::to_string(side)}},
                         .image_size = side,
                         .classes = class_count(outputs, "linear_out.weight"),
                         .tensors = same_names(shapes)};
}

}  // namespace smlp
