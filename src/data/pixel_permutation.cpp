#include "smlp/data/pixel_permutation.hpp"

#include "smlp/core/rng.hpp"

namespace smlp {

std::vector<std::int64_t> pixel_permutation(std::int64_t seed, int image_size) {
  const Permutation permutation(std::uint64_t{1} * image_size * image_size, static_cast<std::uint64_t>(seed),
                                Purpose::pixels);
  std::vector<std::int64_t> order(permutation.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(permutation(i));
  return order;
}

}  // namespace smlp
