#pragma once
#include <cstdint>
#include <vector>

#include "smlp/data/dataset.hpp"

namespace smlp {

// The order in which the epochs of a run see n images: for each a permutation of [0, n), computed where it is
// asked for, a function of (seed, epoch).
//
// With window = 0 every permutation is as likely as another. Otherwise images are taken from a window that
// moves through the file, for sets larger than memory on disks that seek slowly: the epoch starts at a random
// image and goes once around; what the next batch takes lies within `window` consecutive images, of which the
// next half is read while the present one is used. It is made of two layers of shuffles within groups of half
// a window, the second layer's groups shifted by half a group.
class SampleOrder {
 public:
  // n ≥ 1; a window of n or more is none.
  SampleOrder(std::int64_t n, std::int64_t window, std::uint64_t seed);

  std::int64_t operator()(std::uint32_t epoch, std::int64_t k) const;  // k in [0, n)

  bool windowed() const { return group_ > 0; }

  // The images read after those that sample k of the epoch may be: a run of [first, first + count) that wraps
  // at n. Changes when k enters another group.
  struct Run {
    std::int64_t first = 0, count = 0;
  };
  Run next_run(std::uint32_t epoch, std::int64_t k) const;

  // How far images move from their place in the file, relative to a full shuffle: 0 is the file's own order,
  // 1 a uniform permutation. Estimated from 10,000 samples of an epoch.
  double spread(std::uint32_t epoch) const;

 private:
  std::int64_t shuffle(std::uint32_t epoch, int layer, std::int64_t shift, std::int64_t k) const;
  std::int64_t start(std::uint32_t epoch) const;

  std::int64_t n_;
  std::int64_t group_;  // half a window; 0: no window
  std::uint64_t seed_;
};

// Half the summed differences between the labels' shares among `window` images that lie together, of those
// chosen, and among all of them, averaged over the set's windows: 0 when a window is as mixed as the whole,
// near 1 when it holds few of the classes, as in a file sorted by class.
double label_distance(const Dataset& dataset, const std::vector<std::int64_t>& chosen, std::int64_t window);

}  // namespace smlp
