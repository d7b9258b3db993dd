#include <algorithm>
#include <cmath>

#include "smlp/core/error.hpp"
#include "smlp/data/dataset_info.hpp"

namespace smlp {

ChannelStatistics family_statistics(const std::string& family) {
  if (family == "cifar") return {{0.4914, 0.4822, 0.4465}, {0.2470, 0.2435, 0.2616}};
  if (family == "imagenet") return {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
  if (family == "stl") return {{0.4914, 0.4822, 0.4465}, {0.2471, 0.2435, 0.2616}};
  fail(ErrorKind::usage, "no channel statistics are known for \"{}\"; known are cifar, imagenet, stl",
       family);
}

ChannelStatistics statistics_from_sums(const std::array<std::uint64_t, 3>& sums,
                                       const std::array<std::uint64_t, 3>& squares, std::uint64_t pixels) {
  ChannelStatistics result;
  for (int c = 0; c < 3; ++c) {
    const long double mean = static_cast<long double>(sums[c]) / pixels;
    const long double variance = static_cast<long double>(squares[c]) / pixels - mean * mean;
    result.mean.push_back(static_cast<double>(mean / 255));
    result.std.push_back(static_cast<double>(std::sqrt(std::max(variance, 0.0L)) / 255));
  }
  return result;
}

}  // namespace smlp
