#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace smlp {

// The elements of several tensors as one range, cut into equal chunks whatever the tensors' sizes, so that a
// parallel loop is balanced and a hundred small tensors cost no more than one large.
class FlatRange {
 public:
  static constexpr std::int64_t chunk = 16384;  // elements: three arrays of them fit the second-level cache

  explicit FlatRange(const std::vector<torch::Tensor>& tensors);
  std::int64_t chunks() const { return ends_.empty() ? 0 : (ends_.back() + chunk - 1) / chunk; }

  // A run of one tensor's elements inside chunk k.
  struct Piece {
    std::int64_t chunk;
    std::size_t tensor;
    std::int64_t first, count;
  };
  // Calls body for every piece, chunks in parallel on LibTorch's threads (at::get_num_threads()), the pieces
  // of one chunk in order.
  void for_each_piece(const std::function<void(const Piece&)>& body) const;

 private:
  void pieces(std::int64_t k, const std::function<void(const Piece&)>& body) const;

  std::vector<std::int64_t> ends_;  // one past each tensor's last element
};

}  // namespace smlp
