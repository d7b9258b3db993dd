#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "smlp/formats/safetensors.hpp"
#include "smlp/models/preset.hpp"

namespace smlp {

// Names and shapes of the tensors of a weights file, which are not trusted.
class TensorShapes {
 public:
  explicit TensorShapes(std::span<const SafetensorsEntry> tensors);

  // One more, or another shape for one that is there.
  void set(const std::string& name, std::vector<std::int64_t> shape) { shapes_[name] = std::move(shape); }

  bool has(std::string_view name) const { return shapes_.contains(name); }
  // Of a weight [rows, columns]; missing or not a matrix: Error(data) naming it.
  std::int64_t rows(std::string_view name) const { return shape(name, 2)[0]; }
  std::int64_t columns(std::string_view name) const { return shape(name, 2)[1]; }
  const std::vector<std::int64_t>& shape(std::string_view name) const;  // missing: Error(data) naming it
  // Missing, or of another number of dimensions: Error(data) naming it.
  const std::vector<std::int64_t>& shape(std::string_view name, std::size_t dimensions) const;
  // Another shape than this: Error(data) naming tensor and both.
  void expect(std::string_view name, const std::vector<std::int64_t>& wanted) const;
  // How many of name(0), name(1), … there are.
  std::int64_t count(const std::function<std::string(std::int64_t)>& name) const;
  std::vector<std::string> names() const;  // in bytewise order

 private:
  std::map<std::string, std::vector<std::int64_t>, std::less<>> shapes_;
};

// Where a model's tensor is in a weights file.
struct TensorSource {
  std::string name;                  // the model's
  std::vector<std::string> sources;  // the file's, joined along the first dimension
  std::string layout{};              // how each is laid out there and here, see TensorLayout; empty: alike
};

// What a weights file says of its model.
struct RecognisedModel {
  std::string family{};
  std::string origin{};  // whose names the file's are, see foreign_names.hpp; empty: the family's own
  KeyValues keys{};      // of the model section, and data.image_size; values are not checked yet
  int image_size = 0;
  bool any_image_size = false;  // the weights fit every one; image_size is the published models'
  int classes = 0;
  std::vector<TensorSource> tensors{};
};

// For families whose files name tensors as the model does.
std::vector<TensorSource> same_names(const TensorShapes& shapes);

// The whole square root of `square`, the size `what` of the tensor `name`; none: Error(data).
std::int64_t square_side(std::int64_t square, std::string_view what, std::string_view name);

// The side S of images whose 3 × S × S values are the `inputs` of the tensor `name`, and a plausible number
// of classes: else Error(data).
int image_side(std::int64_t inputs, std::string_view name);
int class_count(std::int64_t outputs, std::string_view name);

}  // namespace smlp
