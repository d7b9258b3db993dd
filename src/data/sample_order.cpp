#include "smlp/data/sample_order.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "smlp/core/rng.hpp"

namespace smlp {
namespace {

constexpr std::int64_t spread_samples = 10'000;

}  // namespace

SampleOrder::SampleOrder(std::int64_t n, std::int64_t window, std::uint64_t seed)
    : n_(n), group_(window > 0 && window < n ? std::max<std::int64_t>(1, window / 2) : 0), seed_(seed) {}

std::int64_t SampleOrder::start(std::uint32_t epoch) const {
  return static_cast<std::int64_t>(RandomStream(seed_, Purpose::window, epoch).next64() %
                                   static_cast<std::uint64_t>(n_));
}

// Within its group of one layer; the first group is `shift` long.
std::int64_t SampleOrder::shuffle(std::uint32_t epoch, int layer, std::int64_t shift, std::int64_t k) const {
  const std::int64_t group = (k + group_ - shift) / group_;
  const std::int64_t first = std::max<std::int64_t>(0, group * group_ - (group_ - shift));
  const std::int64_t last = std::min(n_, (group + 1) * group_ - (group_ - shift));
  const Permutation permutation(static_cast<std::uint64_t>(last - first), seed_, Purpose::window, epoch,
                                static_cast<std::uint64_t>(2 * group + layer + 1));
  return first + static_cast<std::int64_t>(permutation(static_cast<std::uint64_t>(k - first)));
}

std::int64_t SampleOrder::operator()(std::uint32_t epoch, std::int64_t k) const {
  if (!windowed())
    return static_cast<std::int64_t>(Permutation(static_cast<std::uint64_t>(n_), seed_, Purpose::order,
                                                 epoch)(static_cast<std::uint64_t>(k)));
  const std::int64_t place =
      shuffle(epoch, 1, std::max<std::int64_t>(1, group_ / 2), shuffle(epoch, 0, group_, k));
  return (place + start(epoch)) % n_;
}

SampleOrder::Run SampleOrder::next_run(std::uint32_t epoch, std::int64_t k) const {
  // The second layer carries a sample at most half a group beyond its own.
  const std::int64_t end = (k / group_ + 1) * group_ + group_ / 2;
  return {(std::min(end, n_) + start(epoch)) % n_, std::max<std::int64_t>(0, std::min(group_, n_ - end))};
}

double SampleOrder::spread(std::uint32_t epoch) const {
  const std::int64_t samples = std::min(n_, spread_samples), origin = windowed() ? start(epoch) : 0;
  double sum = 0;
  for (std::int64_t i = 0; i < samples; ++i) {
    const std::int64_t k = i * (n_ / samples);
    const std::int64_t distance = std::abs((*this)(epoch, k) - (k + origin) % n_);
    sum += static_cast<double>(std::min(distance, n_ - distance));
  }
  return sum / static_cast<double>(samples) / (static_cast<double>(n_) / 4);
}

double label_distance(const Dataset& dataset, const std::vector<std::int64_t>& chosen, std::int64_t window) {
  const auto classes = static_cast<std::size_t>(dataset.classes());
  const auto n = static_cast<std::int64_t>(chosen.size());
  std::vector<double> whole(classes), part(classes);
  for (const std::int64_t image : chosen)
    whole[static_cast<std::size_t>(dataset.label(image))] += 1.0 / static_cast<double>(n);
  double sum = 0;
  std::int64_t windows = 0;
  for (std::int64_t first = 0; first < n; first += window, ++windows) {
    const std::int64_t last = std::min(n, first + window);
    std::fill(part.begin(), part.end(), 0);
    for (std::int64_t i = first; i < last; ++i)
      part[static_cast<std::size_t>(dataset.label(chosen[static_cast<std::size_t>(i)]))] +=
          1.0 / static_cast<double>(last - first);
    for (std::size_t c = 0; c < classes; ++c) sum += std::abs(part[c] - whole[c]) / 2;
  }
  return sum / static_cast<double>(windows);
}

}  // namespace smlp
