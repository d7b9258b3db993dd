#pragma once
#include <cstddef>
#include <vector>

#include "unpickler.hpp"

namespace smlp {

// Whether the tensor's elements lie in its storage as they are, row-major and without gaps.
bool lies_in_order(const PickledTensor& tensor);

// Its elements row-major, negated and conjugated where the tensor is a view that says so.
std::vector<std::byte> copy_in_order(const PickledTensor& tensor, const PickledStorage& storage);

}  // namespace smlp
