#include "smlp/nn/init.hpp"

#include <cmath>
#include <numbers>

namespace smlp {

void lecun_normal_(torch::Tensor weight) {
  constexpr double cut = 2.0, deviation_of_cut = 0.87962566103423978;
  const torch::NoGradGuard no_grad;
  const double fan_in = static_cast<double>(weight[0].numel());
  const double inside = std::erf(cut / std::numbers::sqrt2);  // the probability of what is kept
  const double deviation = 1 / std::sqrt(fan_in) / deviation_of_cut;
  weight.uniform_(-inside, inside).erfinv_().mul_(deviation * std::numbers::sqrt2);
  weight.clamp_(-cut * deviation, cut * deviation);
}

void normal_(torch::Tensor weight, double deviation) {
  const torch::NoGradGuard no_grad;
  weight.normal_(0, deviation);
}

void xavier_uniform_(torch::Tensor weight) {
  const torch::NoGradGuard no_grad;
  const double limit = std::sqrt(6.0 / static_cast<double>(weight.size(0) + weight.size(1)));
  weight.uniform_(-limit, limit);
}

torch::Tensor uniform(torch::IntArrayRef shape, std::int64_t fan_in) {
  const double limit = 1 / std::sqrt(static_cast<double>(fan_in));
  return torch::empty(shape).uniform_(-limit, limit);
}

void fill_(torch::Tensor weight, double value) {
  const torch::NoGradGuard no_grad;
  weight.fill_(value);
}

}  // namespace smlp
