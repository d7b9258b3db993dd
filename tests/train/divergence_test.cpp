#include "smlp/train/divergence.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace smlp {
namespace {

// At which of the losses it is noticed; -1: at none.
int noticed_at(DivergenceWatch& watch, const std::vector<double>& losses) {
  for (std::size_t i = 0; i < losses.size(); ++i)
    if (watch.add(losses[i])) return static_cast<int>(i);
  return -1;
}

int noticed_at(const std::vector<double>& losses) {
  DivergenceWatch watch(10);  // guessing costs 2.303, the bound is 6.908
  return noticed_at(watch, losses);
}

TEST(DivergenceWatch, NoticesALossThatStaysFarAboveGuessing) {
  EXPECT_EQ(noticed_at({2.4, 40, 900, 8000, 7000}), 3);
  EXPECT_EQ(noticed_at({1.2, 9, 8, 7.5, 8.5}), 4) << "not while it falls";
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(noticed_at({8, infinity, infinity}), 2);
  EXPECT_EQ(noticed_at({8, std::nan(""), std::nan("")}), 2) << "no finite step between two log steps";
  DivergenceWatch watch(10);
  EXPECT_EQ(noticed_at(watch, {2.4, 1e9}), -1);
  EXPECT_TRUE(watch.ends_unnoticed()) << "in fewer log steps than that";
  EXPECT_EQ(noticed_at(watch, {2.5}), -1);
  EXPECT_FALSE(watch.ends_unnoticed());
  EXPECT_EQ(noticed_at(watch, {50, 60, 70}), 2);
  EXPECT_EQ(noticed_at(watch, {80, 90, 2, 50, 60, 70}), -1) << "told once";
  EXPECT_FALSE(watch.ends_unnoticed()) << "it was said";
  DivergenceWatch head(10);
  EXPECT_EQ(noticed_at(head, {30, 12}), -1);
  EXPECT_FALSE(head.ends_unnoticed()) << "a new head that begins badly, in a short run";
}

TEST(DivergenceWatch, LeavesATrainingAlone) {
  EXPECT_EQ(noticed_at({2.5, 2.4, 2.3, 2.6, 2.1, 1.7}), -1);
  EXPECT_EQ(noticed_at({300, 200, 90, 40, 20, 9, 5, 3}), -1) << "a new head that begins badly";
  EXPECT_EQ(noticed_at({2, 20, 20, 3, 20, 20, 3}), -1) << "a spike that passes";
}

}  // namespace
}  // namespace smlp
