#include "smlp/optim/flat_range.hpp"

#include <ATen/TensorIterator.h>

#include <algorithm>

namespace smlp {

FlatRange::FlatRange(const std::vector<torch::Tensor>& tensors) {
  std::int64_t end = 0;
  for (const torch::Tensor& tensor : tensors) ends_.push_back(end += tensor.numel());
  chunk_indices_ = torch::arange((end + chunk - 1) / chunk, torch::kInt64);
}

void FlatRange::pieces(std::int64_t k, const std::function<void(const Piece&)>& body) const {
  std::int64_t at = k * chunk;
  const std::int64_t end = std::min(at + chunk, ends_.back());
  std::size_t tensor = std::upper_bound(ends_.begin(), ends_.end(), at) - ends_.begin();
  for (; at < end; ++tensor) {
    const std::int64_t start = tensor == 0 ? 0 : ends_[tensor - 1];
    const std::int64_t stop = std::min(end, ends_[tensor]);
    if (stop > at) body({.chunk = k, .tensor = tensor, .first = at - start, .count = stop - at});
    at = stop;
  }
}

void FlatRange::for_each_piece(const std::function<void(const Piece&)>& body) const {
  at::TensorIterator iterator = at::TensorIteratorConfig().add_const_input(chunk_indices_).build();
  iterator.for_each(
      [&](char** data, const std::int64_t* strides, std::int64_t columns, std::int64_t rows) {
        for (std::int64_t row = 0; row < rows; ++row)
          for (std::int64_t column = 0; column < columns; ++column) {
            const char* const index = data[0] + row * strides[1] + column * strides[0];
            pieces(*reinterpret_cast<const std::int64_t*>(index), body);
          }
      },
      /*grain_size=*/1);
}

}  // namespace smlp
