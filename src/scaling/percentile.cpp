#include "percentile.hpp"

#include <algorithm>
#include <cmath>

namespace smlp {
namespace {

double percentile(const std::vector<double>& sorted, double part) {
  const double at = part * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

void set_interval(Estimate& estimate, std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  estimate.low = percentile(values, 0.025);
  estimate.high = percentile(values, 0.975);
}

}  // namespace smlp
