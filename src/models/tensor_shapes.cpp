#include "smlp/models/tensor_shapes.hpp"

#include <algorithm>
#include <cmath>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/dataset_info.hpp"

namespace smlp {

TensorShapes::TensorShapes(std::span<const SafetensorsEntry> tensors) {
  for (const SafetensorsEntry& each : tensors) shapes_.emplace(each.name, each.shape);
}

const std::vector<std::int64_t>& TensorShapes::shape(std::string_view name) const {
  const auto found = shapes_.find(name);
  if (found == shapes_.end()) fail(ErrorKind::data, "{} is missing", name);
  return found->second;
}

const std::vector<std::int64_t>& TensorShapes::shape(std::string_view name, std::size_t dimensions) const {
  const std::vector<std::int64_t>& found = shape(name);
  if (found.size() != dimensions)
    fail(ErrorKind::data, "{} has {} dimensions, expected {}", name, found.size(), dimensions);
  return found;
}

void TensorShapes::expect(std::string_view name, const std::vector<std::int64_t>& wanted) const {
  const std::vector<std::int64_t>& found = shape(name, wanted.size());
  if (found != wanted)
    fail(ErrorKind::data, "{} is [{}], expected [{}]", name, fmt::join(found, ", "), fmt::join(wanted, ", "));
}

std::int64_t TensorShapes::count(const std::function<std::string(std::int64_t)>& name) const {
  std::int64_t n = 0;
  while (has(name(n))) ++n;
  return n;
}

std::vector<std::string> TensorShapes::names() const {
  std::vector<std::string> names;
  for (const auto& [name, shape] : shapes_) names.push_back(name);
  return names;
}

std::vector<TensorSource> same_names(const TensorShapes& shapes) {
  std::vector<TensorSource> sources;
  for (const std::string& name : shapes.names()) sources.push_back({name, {name}});
  return sources;
}

std::int64_t square_side(std::int64_t square, std::string_view what, std::string_view name) {
  const double root = std::sqrt(static_cast<double>(std::max<std::int64_t>(square, 0)));
  const auto side = static_cast<std::int64_t>(std::llround(root));
  if (side < 1 || side > max_image_size || side * side != square)
    fail(ErrorKind::data, "{} has {} {}, expected a square", name, square, what);
  return side;
}

int image_side(std::int64_t inputs, std::string_view name) {
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(inputs) / 3)));
  if (side < 1 || side > max_image_size || 3 * side * side != inputs)
    fail(ErrorKind::data, "{} has {} inputs, expected 3 × S × S", name, inputs);
  return static_cast<int>(side);
}

int class_count(std::int64_t outputs, std::string_view name) {
  constexpr std::int64_t most = 1 << 24;
  if (outputs < 2 || outputs > most)
    fail(ErrorKind::data, "{} has {} outputs, expected 2 to {}", name, outputs, most);
  return static_cast<int>(outputs);
}

}  // namespace smlp
