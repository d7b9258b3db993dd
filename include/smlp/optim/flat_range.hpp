#pragma once
#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace smlp {

// The elements of several tensors as one range [0, size()), cut into equal chunks whatever the tensors'
// sizes, so that a parallel loop is balanced and a thousand small tensors cost no more than one large.
class FlatRange {
 public:
  static constexpr std::int64_t chunk =
      16384;  // elements; a few kB of each array stay in the first-level cache

  explicit FlatRange(const std::vector<torch::Tensor>& tensors);
  std::int64_t size() const { return ends_.empty() ? 0 : ends_.back(); }
  std::int64_t chunks() const { return (size() + chunk - 1) / chunk; }

  // Calls body(tensor index, first element in it, count) for each piece of chunk k, in order.
  template <class Body>
  void pieces(std::int64_t k, Body&& body) const {
    std::int64_t at = k * chunk;
    const std::int64_t end = std::min(at + chunk, size());
    auto tensor = std::upper_bound(ends_.begin(), ends_.end(), at) - ends_.begin();
    for (; at < end; ++tensor) {
      const std::int64_t start = tensor == 0 ? 0 : ends_[tensor - 1];
      const std::int64_t stop = std::min(end, ends_[tensor]);
      if (stop > at) body(tensor, at - start, stop - at);
      at = std::max(at, stop);
    }
  }

 private:
  std::vector<std::int64_t> ends_;  // one past each tensor's last element
};

}  // namespace smlp
