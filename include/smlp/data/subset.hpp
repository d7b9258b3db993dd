#pragma once
#include <cstdint>
#include <vector>

#include "smlp/data/dataset.hpp"

namespace smlp {

// Which samples a run uses, sorted ascending. Every class keeps the first part of its own seeded permutation,
// so smaller subsets are contained in larger ones, at the same seed and holdout.
struct SubsetConfig {
  double fraction = 1.0;       // (0, 1]: of each class, rounded to nearest, at least 1
  std::int64_t per_class = 0;  // > 0: this many of each class instead, all of a class that has fewer
  double holdout = 0.0;        // [0, 1): set aside per class before the rest is drawn from; leaves at least 1
};
struct Subset {
  std::vector<std::int64_t> train;  // 8 bytes an image, also when every image is used
  std::vector<std::int64_t> holdout;
};
Subset choose_subset(const Dataset& dataset, const SubsetConfig& config, std::uint64_t seed);

}  // namespace smlp
