#pragma once
// What the families share: keys, presets, recognition and the cost of layers.
#include "smlp/models/layer_kinds.hpp"
#include "smlp/models/registry.hpp"

namespace smlp {

inline const Bounds depth_bounds = between(1, 1024);
inline constexpr std::int64_t most_width = 65536;
inline const Bounds width_bounds = between(1, most_width);

void norm_field(FieldVisitor& v, NormKind& norm);
void activation_field(FieldVisitor& v, Activation& activation);
void parametrization_fields(FieldVisitor& v, Parametrization& parametrization, std::int64_t& base_width);
void dropout_field(FieldVisitor& v, double& dropout);

// The paper's and the published files' names, beginning with `letter`: they say depth and width, and some the
// image size.
std::vector<Preset> paper_presets(char letter);

// "none", "layer" or "batch", by the tensors of layernorms.0.
std::string recognise_norm(const TensorShapes& shapes);

inline std::int64_t input_features(int image_size) {
  return 3 * std::int64_t{image_size} * image_size;
}

// Bytes that dropout keeps for the backward pass for one image.
inline std::int64_t dropout_bytes(std::int64_t width, double dropout) {
  return dropout > 0 ? 4 * width : 0;
}

// A linear layer's row, with its saved input and `more_bytes`. vectors: how many of an image go through it.
CostRow linear_cost(std::string name, std::int64_t in, std::int64_t out, std::int64_t more_bytes = 0,
                    std::int64_t vectors = 1);

// LayerNorm keeps its input, mean and 1/deviation; batch norm its input, for its statistics belong to the
// batch. Not for NormKind::none.
CostRow norm_cost(std::string name, NormKind kind, std::int64_t width, std::int64_t vectors = 1);

}  // namespace smlp
