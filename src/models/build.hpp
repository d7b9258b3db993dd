#pragma once
// What the families share: keys, limits and the cost of layers.
#include <string>

#include "smlp/models/model.hpp"
#include "smlp/nn/layers.hpp"

namespace smlp {

inline const Bounds depth_bounds = between(1, 1024);
inline const Bounds width_bounds = between(1, 65536);

void norm_field(FieldVisitor& v, NormKind& norm);
void activation_field(FieldVisitor& v, Activation& activation);
void dropout_field(FieldVisitor& v, double& dropout);

// Refuses an image size or a number of classes out of range, and a model over 2^34 parameters: Error(usage).
// `body` counts what lies between embedding and head.
void check_size(int image_size, int classes, std::int64_t width, std::int64_t body);

inline std::int64_t input_features(int image_size) {
  return 3 * std::int64_t{image_size} * image_size;
}
inline std::int64_t linear_parameters(std::int64_t in, std::int64_t out) {
  return (in + 1) * out;
}

// Bytes that dropout keeps for the backward pass for one image.
inline std::int64_t dropout_bytes(std::int64_t width, double dropout) {
  return dropout > 0 ? 4 * width : 0;
}

// A layer's row, with its saved input and `more_bytes`.
CostRow linear_cost(std::string name, const torch::nn::LinearImpl& layer, std::int64_t more_bytes);
CostRow norm_cost(std::string name, const NormLayer& layer);

}  // namespace smlp
