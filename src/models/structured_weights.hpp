#pragma once
// The structured layers of a weights file, which is not trusted.
#include <map>
#include <string>
#include <vector>

#include "smlp/models/structure.hpp"
#include "smlp/models/tensor_shapes.hpp"

namespace smlp {

class StructuredWeights {
 public:
  // Contradictions, and sizes beyond any layer: Error(data) naming the tensor.
  explicit StructuredWeights(const TensorShapes& shapes);

  struct Layer {
    std::string name;
    Structure structure;
    std::int64_t in, out;
  };
  const std::vector<Layer>& layers() const { return layers_; }

  // With a weight [out, in] in place of the factors of each layer.
  TensorShapes as_dense() const;

  // The keys that every layer's factors follow from; none do: Error(data).
  KeyValues structure_keys() const;

 private:
  std::vector<StructureConfig> candidates() const;
  StructureConfig masked_density() const;
  void expect_all(const StructureConfig& config) const;

  const TensorShapes& shapes_;
  std::vector<Layer> layers_;
};

std::int64_t element_count(const std::vector<std::int64_t>& shape);

}  // namespace smlp
