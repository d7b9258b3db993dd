#include "smlp/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <set>
#include <vector>

namespace smlp {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Random123's kat_vectors, philox4x32 with 10 rounds.
TEST(Philox, MatchesThePublishedVectors) {
  const std::uint32_t ones = 0xffffffffu;
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32_10({ones, ones, ones, ones}, {ones, ones}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, CountsBlocksBelowPurposeTimeAndIndex) {
  RandomStream stream(0x1122334455667788, Purpose::augment, 7, 0xAABBCCDD00000005);
  const std::array<std::uint32_t, 2> key{0x55667788, 0x11223344};
  for (std::uint32_t block = 0; block < 3; ++block)
    for (const std::uint32_t word : philox4x32_10({(3u << 24) | block, 7, 5, 0xAABBCCDD}, key))
      EXPECT_EQ(stream.next(), word);
}

TEST(RandomStream, StreamsOfDifferentKeysDiffer) {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed : {0, 1})
    for (Purpose purpose : {Purpose::order, Purpose::augment})
      for (std::uint32_t time : {0, 1})
        for (std::uint64_t index : {0ull, 1ull, 1ull << 32})
          first.insert(RandomStream(seed, purpose, time, index).next64());
  EXPECT_EQ(first.size(), 24u);
}

TEST(RandomStream, BelowIsUnbiasedAndInRange) {
  RandomStream stream(1, Purpose::order);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts.at(stream.below(7));
  double chi_square = 0;
  for (int count : counts) chi_square += (count - 10000.0) * (count - 10000.0) / 10000.0;
  EXPECT_LT(chi_square, 22.5);  // 6 degrees of freedom, p = 0.001
  EXPECT_EQ(stream.below(1), 0u);
}

// Largest distance between the samples' distribution and `cdf` (Kolmogorov and Smirnov), times sqrt(n).
double distance(const std::function<double()>& draw, const std::function<double(double)>& cdf) {
  constexpr int n = 20000;
  std::vector<double> x(n);
  std::generate(x.begin(), x.end(), draw);
  std::sort(x.begin(), x.end());
  double largest = 0;
  for (int i = 0; i < n; ++i)
    largest =
        std::max({largest, std::abs(cdf(x[i]) - i / double(n)), std::abs(cdf(x[i]) - (i + 1) / double(n))});
  return largest * std::sqrt(double(n));
}
constexpr double ks_critical = 1.95;  // p = 0.001

TEST(RandomStream, FollowsTheNormalDistribution) {
  RandomStream s(2, Purpose::init);
  EXPECT_LT(
      distance([&] { return s.normal(); }, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }),
      ks_critical);
}

TEST(RandomStream, BetaFollowsItsClosedForms) {
  RandomStream s(3, Purpose::mixup);
  EXPECT_LT(distance([&] { return s.beta(1, 1); }, [](double x) { return x; }), ks_critical);
  EXPECT_LT(distance([&] { return s.beta(2, 2); }, [](double x) { return x * x * (3 - 2 * x); }),
            ks_critical);
  EXPECT_LT(distance([&] { return s.beta(0.5, 0.5); },
                     [](double x) { return 2 / std::numbers::pi * std::asin(std::sqrt(x)); }),
            ks_critical);
  EXPECT_LT(distance([&] { return s.beta(3, 1); }, [](double x) { return x * x * x; }), ks_critical);
}

TEST(RandomStream, BetaOfTheMixupParameterHasItsMoments) {
  RandomStream s(4, Purpose::mixup);
  double sum = 0, squares = 0;
  constexpr int n = 50000;
  for (int i = 0; i < n; ++i) {
    const double x = s.beta(0.8, 0.8);
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / n, 0.5, 0.006);
  EXPECT_NEAR(squares / n - sum / n * sum / n, 1 / (4 * (2 * 0.8 + 1)), 0.002);
}

TEST(RandomStream, BetaOfTinyParametersIsACoin) {
  for (const double alpha : {1e-3, 1e-8, 1e-300, 5e-324}) {
    RandomStream s(5, Purpose::mixup);
    int ones = 0;
    for (int i = 0; i < 2000; ++i) {
      const double x = s.beta(alpha, alpha);
      ASSERT_TRUE(x >= 0 && x <= 1) << alpha;
      ones += x > 0.5;
    }
    EXPECT_NEAR(ones, 1000, 80) << alpha;
  }
}

TEST(Permutation, IsABijectionForEverySize) {
  std::vector<std::uint64_t> sizes{1000, 4095, 4096, 4097, 65537, 300001};
  for (std::uint64_t n = 1; n <= 300; ++n) sizes.push_back(n);
  for (const std::uint64_t n : sizes) {
    const Permutation permutation(n, 9, Purpose::order, 3);
    std::vector<bool> seen(n);
    for (std::uint64_t k = 0; k < n; ++k) {
      const std::uint64_t value = permutation(k);
      ASSERT_LT(value, n);
      ASSERT_FALSE(seen[value]) << n;
      seen[value] = true;
    }
  }
}

TEST(Permutation, LargeOnesStayInRangeWithoutCollisions) {
  const std::uint64_t n = (1ull << 40) + 12345;
  const Permutation permutation(n, 1, Purpose::order);
  std::set<std::uint64_t> seen;
  for (std::uint64_t k = 0; k < 2000; ++k) {
    EXPECT_LT(permutation(k * 500000007), n);
    seen.insert(permutation(k * 500000007));
  }
  EXPECT_EQ(seen.size(), 2000u);
}

// Where an element lands is uniform over seeds and epochs: chi-square over positions, at small and odd sizes.
TEST(Permutation, PlacesElementsUniformly) {
  for (const std::uint64_t n : {2, 3, 5, 10, 17, 50}) {
    std::vector<double> counts(n);
    const int draws = static_cast<int>(400 * n);
    for (int i = 0; i < draws; ++i) ++counts[Permutation(n, 77, Purpose::order, i)(n / 2)];
    double chi_square = 0;
    for (double count : counts) chi_square += (count - 400) * (count - 400) / 400;
    const double freedom = static_cast<double>(n - 1);
    EXPECT_LT(chi_square, freedom + 3.3 * std::sqrt(2 * freedom) + 8) << n;
  }
}

TEST(Permutation, EpochsDifferAndHardlyCorrelate) {
  const std::uint64_t n = 1000;
  const Permutation a(n, 5, Purpose::order, 0), b(n, 5, Purpose::order, 1);
  int same = 0, successors = 0;
  for (std::uint64_t k = 0; k < n; ++k) same += a(k) == b(k);
  for (std::uint64_t k = 0; k + 1 < n; ++k) successors += a(k + 1) == a(k) + 1;
  EXPECT_LT(same, 10);  // about 1 each for independent permutations
  EXPECT_LT(successors, 10);
}

}  // namespace
}  // namespace smlp
