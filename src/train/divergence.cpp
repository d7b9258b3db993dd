#include "smlp/train/divergence.hpp"

#include <algorithm>
#include <cmath>

namespace smlp {
namespace {

constexpr double times_chance = 3;
constexpr std::int64_t log_steps = 3;

}  // namespace

DivergenceWatch::DivergenceWatch(int classes) : chance_(std::log(std::max(classes, 2))) {}

bool DivergenceWatch::add(double mean_loss) {
  if (std::isnan(first_)) first_ = mean_loss;
  last_ = mean_loss;
  if (mean_loss <= times_chance * chance_) {
    in_a_row_ = 0;
    lowest_ = std::numeric_limits<double>::infinity();
    return false;
  }
  const bool falls = mean_loss < lowest_;
  lowest_ = std::min(lowest_, mean_loss);
  if (++in_a_row_ < log_steps || falls || told_) return false;
  told_ = true;
  return true;
}

bool DivergenceWatch::ends_unnoticed() const {
  return !told_ && last_ > times_chance * chance_ && last_ >= first_;
}

}  // namespace smlp
