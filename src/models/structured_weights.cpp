#include "structured_weights.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

using LayerSizes = std::pair<std::int64_t, std::int64_t>;    // in, out
constexpr std::int64_t most_values = std::int64_t{1} << 26;  // above the largest image's and width's

// The tensor by which a structured layer is known, its dimensions, and the sizes that they and those of the
// layer's other factor give. btt stands for monarch too.
struct KnownBy {
  Structure structure;
  const char* tensor;
  LayerSizes (*sizes)(const TensorShapes& shapes, const std::string& layer);
};

std::int64_t product(const TensorShapes& shapes, const std::string& name, std::size_t dimensions,
                     std::size_t i, std::size_t k) {
  const std::vector<std::int64_t>& shape = shapes.shape(name, dimensions);
  const std::int64_t a = shape[i], b = i == k ? 1 : shape[k];
  if (a < 1 || b < 1 || a > most_values / b)
    fail(ErrorKind::data, "{} is [{}], which makes no layer", name, fmt::join(shape, ", "));
  return a * b;
}

LayerSizes of_mask(const TensorShapes& shapes, const std::string& layer) {
  return {product(shapes, layer + "mask", 2, 1, 1), product(shapes, layer + "mask", 2, 0, 0)};
}
LayerSizes of_blocks(const TensorShapes& shapes, const std::string& layer) {
  return {product(shapes, layer + "blocks", 3, 0, 2), product(shapes, layer + "blocks", 3, 0, 1)};
}
LayerSizes of_low_rank(const TensorShapes& shapes, const std::string& layer) {
  return {product(shapes, layer + "v", 2, 1, 1), product(shapes, layer + "u", 2, 0, 0)};
}
// c and a are of the left factor, d and b of the right one.
LayerSizes of_kronecker(const TensorShapes& shapes, const std::string& layer) {
  const auto side = [&](const char* name, std::size_t i) { return product(shapes, layer + name, 3, i, i); };
  const auto times = [&](std::int64_t a, std::int64_t b) {
    if (a > most_values / b) fail(ErrorKind::data, "{}left and right make no layer", layer);
    return a * b;
  };
  return {times(side("left", 2), side("right", 2)), times(side("left", 1), side("right", 1))};
}
LayerSizes of_block_diagonals(const TensorShapes& shapes, const std::string& layer) {
  return {product(shapes, layer + "right_blocks", 3, 0, 2), product(shapes, layer + "left_blocks", 3, 0, 1)};
}

constexpr KnownBy known_by_table[] = {
    {Structure::masked, "mask", of_mask},
    {Structure::block_diagonal, "blocks", of_blocks},
    {Structure::low_rank, "u", of_low_rank},
    {Structure::kronecker, "left", of_kronecker},
    {Structure::btt, "left_blocks", of_block_diagonals},
};

bool is_hidden(const std::string& layer) {
  return layer.starts_with("blocks.") || layer.starts_with("layers.");
}

// Of every name that ends in a bias; the head has no structure.
std::vector<std::string> linear_layers(const TensorShapes& shapes) {
  const std::string bias = ".bias";
  std::vector<std::string> layers;
  for (const std::string& name : shapes.names()) {
    if (!name.ends_with(bias)) continue;
    const std::string layer = name.substr(0, name.size() - bias.size());
    if (layer == "linear_in" || is_hidden(layer)) layers.push_back(layer);
  }
  return layers;
}

}  // namespace

std::int64_t element_count(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

StructuredWeights::StructuredWeights(const TensorShapes& shapes) : shapes_(shapes) {
  for (const std::string& layer : linear_layers(shapes))
    for (const KnownBy& row : known_by_table)
      if (shapes.has(layer + "." + row.tensor)) {
        const auto [in, out] = row.sizes(shapes, layer + ".");
        layers_.push_back({layer, row.structure, in, out});
        break;
      }
}

TensorShapes StructuredWeights::as_dense() const {
  TensorShapes dense = shapes_;
  for (const Layer& layer : layers_) dense.set(layer.name + ".weight", {layer.out, layer.in});
  return dense;
}

// A density that gives every layer its connections, each of which says it but for rounding.
StructureConfig StructuredWeights::masked_density() const {
  double low = 0, high = 1;
  for (const Layer& layer : layers_) {
    const double all = static_cast<double>(layer.in) * static_cast<double>(layer.out);
    const auto n = static_cast<double>(shapes_.shape(layer.name + ".values", 1)[0]);
    low = std::max(low, (n - 0.5) / all);
    high = std::min(high, (n + 0.5) / all);
  }
  return {.structure = Structure::masked, .density = std::clamp((low + high) / 2, 1e-300, 1.0)};
}

std::vector<StructureConfig> StructuredWeights::candidates() const {
  const Layer& first = layers_.front();
  const auto extent = [&](const char* tensor, std::size_t dimensions, std::size_t i) {
    return std::max<std::int64_t>(1, shapes_.shape(first.name + "." + tensor, dimensions)[i]);
  };
  switch (first.structure) {
    case Structure::masked:
      return {masked_density(), {.structure = Structure::masked, .connections = extent("values", 1, 0)}};
    case Structure::block_diagonal:
      return {{.structure = first.structure, .blocks = extent("blocks", 3, 0)}};
    case Structure::low_rank:
      return {{.structure = first.structure, .rank = extent("v", 2, 0)}};
    case Structure::kronecker:
      return {{.structure = first.structure, .rank = extent("left", 3, 0)}};
    default: {
      const std::int64_t c = extent("right_blocks", 3, 0);
      return {
          {.structure = Structure::btt, .rank = std::max<std::int64_t>(1, extent("left_blocks", 3, 2) / c)},
          {.structure = Structure::monarch, .blocks = c}};
    }
  }
}

void StructuredWeights::expect_all(const StructureConfig& config) const {
  for (const std::string& name : linear_layers(shapes_)) {
    const auto layer = std::ranges::find(layers_, name, &Layer::name);
    if (layer == layers_.end()) {
      if (is_hidden(name)) fail(ErrorKind::data, "{} has another structure than {}", name, layers_[0].name);
      continue;
    }
    if (layer->structure != layers_[0].structure)
      fail(ErrorKind::data, "{} has another structure than {}", name, layers_[0].name);
    for (const Factor& factor : layer_shape(config, layer->in, layer->out).factors)
      shapes_.expect(name + "." + factor.name, factor.shape);
  }
}

KeyValues StructuredWeights::structure_keys() const {
  std::string why;
  for (const StructureConfig& config : candidates()) {
    try {
      expect_all(config);
    } catch (const Error& error) {
      if (why.empty()) why = error.what();
      continue;
    }
    const bool input = std::ranges::find(layers_, "linear_in", &Layer::name) != layers_.end();
    return {{"model.structure", config.name()},
            {"model.density", fmt::format("{:.17g}", config.density)},
            {"model.connections", std::to_string(config.connections)},
            {"model.rank", std::to_string(config.rank)},
            {"model.blocks", std::to_string(config.blocks)},
            {"model.structured_input", input ? "true" : "false"}};
  }
  fail(ErrorKind::data, "{}", why);
}

}  // namespace smlp
