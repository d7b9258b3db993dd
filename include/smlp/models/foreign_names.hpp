#pragma once
#include <optional>
#include <span>
#include <string>

#include "smlp/models/tensor_shapes.hpp"

namespace smlp {

// A program's own names of a model's tensors, and how they become those known here.
struct Spelling {
  struct Change {
    const char* from;
    const char* to;
  };
  const char* origin;               // for messages and for what is known of its weights: "google"
  const char* mark;                 // a tensor that only such files have
  std::span<const Change> names;    // each in turn, where it occurs first in a name
  std::span<const Change> layouts;  // of the first whose `from` a name ends with: see TensorLayout. Tensors
                                    // of one name after all are joined, in the order of these
};

// Every spelling known.
std::span<const Spelling> spelling_table();

// The model whose tensors another program named its own way; nullopt: none of the table's. Shapes that do
// not fit their layout, or contradict one another: Error(data).
std::optional<RecognisedModel> recognise_foreign(const TensorShapes& shapes);

}  // namespace smlp
