#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace smlp {

// How the dimensions of a tensor are rearranged, as einops writes it: "h w i o -> o i h w" permutes,
// "i h e -> (h e) i" joins two, "d -> 1 1 d" adds. Names are single letters.
class TensorLayout {
 public:
  explicit TensorLayout(std::string_view text);  // one of the program's own

  std::size_t dimensions() const { return order_.size(); }           // before
  const std::vector<std::int64_t>& order() const { return order_; }  // the permutation, as permute() takes it
  // The shape after; nullopt: `from` has another number of dimensions, or the product of those that are
  // joined is beyond 64 bits.
  std::optional<std::vector<std::int64_t>> shape(const std::vector<std::int64_t>& from) const;

 private:
  std::vector<std::int64_t> order_;
  std::vector<std::size_t>
      joined_;  // how many of them, in order, each dimension after is made of; 0: it is 1
};

}  // namespace smlp
