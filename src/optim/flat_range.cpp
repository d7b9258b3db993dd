#include "smlp/optim/flat_range.hpp"

#include <algorithm>

#include "smlp/device/parallel.hpp"

namespace smlp {

FlatRange::FlatRange(const std::vector<torch::Tensor>& tensors) {
  std::int64_t end = 0;
  for (const torch::Tensor& tensor : tensors) ends_.push_back(end += tensor.numel());
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
  for_each_in_parallel(chunks(), [&](std::int64_t k) { pieces(k, body); });
}

}  // namespace smlp
