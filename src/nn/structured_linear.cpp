#include "smlp/nn/structured_linear.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace smlp {
namespace {

using torch::Tensor;

struct Layer {
  const std::vector<Tensor>& factors;  // in the order of LayerShape
  const Tensor& bias;
  const LayerShape& shape;
  std::optional<Connections>& connections;
};

Tensor dense(const Tensor& x, const Layer& layer) {
  return at::linear(x, layer.factors[0], layer.bias);
}

Tensor low_rank(const Tensor& x, const Layer& layer) {
  return at::linear(at::linear(x, layer.factors[0]), layer.factors[1], layer.bias);
}

// Matrices [n, rows, columns] by the n parts of each vector x [B, n, columns] → [n, B, rows].
Tensor by_parts(const Tensor& x, const Tensor& matrices) {
  return at::bmm(x.transpose(0, 1), matrices.transpose(1, 2));
}

Tensor block_diagonal(const Tensor& x, const Layer& layer) {
  const Tensor& blocks = layer.factors[0];
  const Tensor y = by_parts(x.reshape({x.size(0), blocks.size(0), blocks.size(2)}), blocks);
  return y.transpose(0, 1).flatten(1) + layer.bias;
}

// x [B, n, k] by first [r, p, k] and second [r, q, n]: y[p, q] = Σ_σ first_σ · xᵀ · second_σᵀ → [B, p, q]
Tensor two_sides(const Tensor& x, const Tensor& first, const Tensor& second) {
  const std::int64_t batch = x.size(0), r = first.size(0), p = first.size(1), n = x.size(1);
  const Tensor between = at::linear(x, first.flatten(0, 1)).view({batch, n, r, p});
  return at::linear(between.permute({0, 3, 2, 1}).reshape({batch, p, r * n}),
                    second.transpose(0, 1).flatten(1));
}

Tensor kronecker(const Tensor& x, const Layer& layer) {
  const Tensor &first = layer.factors[0], &second = layer.factors[1];
  const bool left_first = std::string_view(layer.shape.factors[0].name) == "left";
  const Tensor &left = left_first ? first : second, &right = left_first ? second : first;
  const Tensor vectors = x.reshape({x.size(0), left.size(2), right.size(2)});
  const Tensor y = left_first ? two_sides(vectors.transpose(1, 2), left, right)
                              : two_sides(vectors, right, left).transpose(1, 2);
  return y.flatten(1) + layer.bias;
}

// Of btt and monarch: right_blocks by the c parts of x, then left_blocks by the b parts of what that gives.
Tensor two_block_diagonals(const Tensor& x, const Layer& layer) {
  const Tensor &right = layer.factors[0], &left = layer.factors[1];
  const std::int64_t batch = x.size(0), c = right.size(0), b = left.size(0), r = left.size(2) / c;
  const Tensor between = by_parts(x.reshape({batch, c, right.size(2)}), right).view({c, batch, b, r});
  const Tensor y = by_parts(between.permute({1, 2, 0, 3}).reshape({batch, b, c * r}), left);
  return y.permute({1, 2, 0}).flatten(1) + layer.bias;
}

Tensor masked(const Tensor& x, const Layer& layer) {
  return layer.connections->multiply(x, layer.factors[0], layer.bias);
}

struct ProductRow {
  Structure structure;
  Tensor (*product)(const Tensor& x, const Layer& layer);
};
constexpr ProductRow product_table[] = {
    {Structure::dense, dense},
    {Structure::masked, masked},
    {Structure::block_diagonal, block_diagonal},
    {Structure::low_rank, low_rank},
    {Structure::kronecker, kronecker},
    {Structure::btt, two_block_diagonals},
    {Structure::monarch, two_block_diagonals},
};

}  // namespace

StructuredLinear::StructuredLinear(const StructureConfig& config, std::int64_t in, std::int64_t out)
    : config_(config), in_(in), shape_(layer_shape(config, in, out)) {
  for (const Factor& factor : shape_.factors)
    factors_.push_back(register_parameter(factor.name, torch::empty(factor.shape)));
  bias_ = register_parameter("bias", torch::empty({out}));
  if (config.structure == Structure::masked)
    connections_.emplace(*this, connection_count(config, in, out), in, out, config.masked_kernel);
  torch_start_();
}

Tensor StructuredLinear::forward(const Tensor& x) {
  const auto* const row = std::ranges::find(product_table, config_.structure, &ProductRow::structure);
  return row->product(x, {factors_, bias_, shape_, connections_});
}

void StructuredLinear::structured_start_(bool zero) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    const auto& [name, shape, fan_in, fan_out] = shape_.factors[i];
    factors_[i].normal_(0, std::sqrt(1 / fan_in) * std::min(1.0, std::sqrt(fan_out / fan_in)));
  }
  if (zero) factors_.back().zero_();
  bias_.zero_();
}

void StructuredLinear::torch_start_() {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    const double limit = 1 / std::sqrt(shape_.factors[i].fan_in);
    factors_[i].uniform_(-limit, limit);
  }
  const double limit = 1 / std::sqrt(static_cast<double>(in_));
  bias_.uniform_(-limit, limit);
}

std::vector<StructuredLinear::Rate> StructuredLinear::rates() const {
  std::vector<Rate> rates;
  const auto count = static_cast<double>(shape_.factors.size());
  for (const Factor& factor : shape_.factors)
    rates.push_back({factor.name, static_cast<double>(in_) / factor.fan_in / count});
  return rates;
}

}  // namespace smlp
