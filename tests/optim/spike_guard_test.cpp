#include "smlp/optim/spike_guard.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace smlp {
namespace {

// By the definition: from the 129th on, the z-score of a value among the last 128, itself included.
bool is_outlier(const std::vector<double>& seen, double zscore) {
  constexpr std::size_t window = 128;
  if (seen.size() <= window) return false;
  const std::vector<double> last(seen.end() - window, seen.end());
  const double mean = std::accumulate(last.begin(), last.end(), 0.0) / window;
  double squares = 0;
  for (const double each : last) squares += (each - mean) * (each - mean);
  return last.back() - mean > zscore * std::sqrt(squares / window);
}

bool judged(SpikeGuard& guard, double norm, bool bad = false) {
  return guard(torch::tensor(static_cast<float>(norm)), torch::tensor(bad ? 1.f : 0.f)).item<float>() != 0;
}

TEST(SpikeGuard, TellsNormsFarAboveTheLast128) {
  std::mt19937 generator(3);
  std::normal_distribution<double> noise(2, 0.3);
  SpikeGuard guard(3, torch::kCPU);
  std::vector<double> seen;
  int spikes = 0;
  for (int i = 0; i < 600; ++i) {
    seen.push_back(noise(generator) * (i % 40 == 39 ? 10 : 1));
    const bool outlier = is_outlier(seen, 3);
    EXPECT_EQ(judged(guard, seen.back()), outlier) << i;
    spikes += outlier ? 1 : 0;
  }
  EXPECT_GE(spikes, 11);  // at steps 160, 200, … 600 of those it can know
}

TEST(SpikeGuard, ANewLevelIsSoonNoOutlier) {
  SpikeGuard guard(3, torch::kCPU);
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(judged(guard, 1 + 0.01 * (i % 7)));
  int left_out = 0;
  while (judged(guard, 50) && left_out < 128) ++left_out;
  EXPECT_GT(left_out, 5);
  EXPECT_LE(left_out, 14) << "a tenth of the window";
}

TEST(SpikeGuard, WhatIsNotFiniteIsNoOutlierAndNotRemembered) {
  SpikeGuard guard(3, torch::kCPU);
  for (int i = 0; i < 200; ++i) judged(guard, 1 + 0.01 * (i % 7));
  const torch::Tensor before = guard.norms().clone();
  EXPECT_FALSE(judged(guard, std::numeric_limits<double>::quiet_NaN(), true));
  EXPECT_TRUE(torch::equal(before, guard.norms()));
  EXPECT_TRUE(judged(guard, 10));
}

}  // namespace
}  // namespace smlp
