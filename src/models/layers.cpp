#include "layers.hpp"

#include <cctype>

#include "smlp/core/error.hpp"

namespace smlp {

void parametrization_fields(FieldVisitor& v, Parametrization& parametrization, std::int64_t& base_width) {
  v.choice("parametrization", parametrization,
           {{"standard", Parametrization::standard}, {"mup", Parametrization::mup}},
           "mup: start, rates and decay by width such that what was tuned at base_width suits all widths");
  v.field("base_width", base_width, "of mup: the width at which it is the standard one", width_bounds);
}

void norm_field(FieldVisitor& v, NormKind& norm) {
  v.choice("norm", norm, {{"layer", NormKind::layer}, {"batch", NormKind::batch}, {"none", NormKind::none}},
           "normalisation of each block");
}

void activation_field(FieldVisitor& v, Activation& activation) {
  v.choice("activation", activation, {{"gelu", Activation::gelu}, {"relu", Activation::relu}},
           "gelu is the erf form");
}

void dropout_field(FieldVisitor& v, double& dropout) {
  v.field("dropout", dropout, "probability, after the embedding and after each block",
          Bounds{.min = 0, .max = 1, .max_open = true});
}

std::vector<Preset> paper_presets(char letter) {
  const std::string number = R"(([1-9]\d{0,8}))";
  return {{.example = fmt::format("{}-12/1024", letter),
           .pattern = std::regex(fmt::format("{}[-_]{}[-_/](?:wi[-_])?{}(?:[-_]res[-_]{}(?:[-_][a-z0-9]+)*)?",
                                             letter, number, number, number),
                                 std::regex::icase),
           .keys = {{"model.depth", "$1"}, {"model.width", "$2"}, {"data.image_size", "$3"}}}};
}

std::string recognise_norm(const TensorShapes& shapes) {
  if (!shapes.has("layernorms.0.weight")) return "none";
  return shapes.has("layernorms.0.running_mean") ? "batch" : "layer";
}

CostRow linear_cost(std::string name, std::int64_t in, std::int64_t out, std::int64_t more_bytes,
                    std::int64_t vectors) {
  return {.layer = std::move(name),
          .parameters = (in + 1) * out,
          .macs = vectors * in * out,
          .saved_bytes = 4 * vectors * in + more_bytes};
}

CostRow norm_cost(std::string name, NormKind kind, std::int64_t width, std::int64_t vectors) {
  const bool layer = kind == NormKind::layer;
  return {.layer = std::move(name),
          .parameters = 2 * width,
          .macs = (layer ? 5 : 2) * vectors * width,  // fvcore's; batch norm as in evaluation
          .saved_bytes = 4 * vectors * (width + (layer ? 2 : 0))};
}

}  // namespace smlp
