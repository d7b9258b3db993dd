#include "smlp/run/results.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace smlp {
namespace {

RunResults read(const std::string& text) {
  std::istringstream lines(text);
  return read_results(lines);
}

TEST(Results, TheHeldOutPartChoosesTheBestAndTheFirstOfEquals) {
  const RunResults held = read(R"({"kind":"eval","step":5,"epoch":1,"top1":40,"holdout_top1":60}
{"kind": "eval", "step": 10, "epoch": 2, "top1": 50, "holdout_top1": 55}
{"kind":"eval","step":15,"epoch":3,"top1":45,"holdout_top1":60}
)");
  ASSERT_NE(held.best(), nullptr);
  EXPECT_EQ(held.best()->epoch, 1);
  EXPECT_EQ(held.best()->top1, 40);
  EXPECT_EQ(held.evaluations.back().step, 15);
  EXPECT_EQ(read("").best(), nullptr);
  EXPECT_EQ(read(R"({"kind":"eval","step":5,"epoch":1,"top1":null})").best(), nullptr) << "not finite";
}

TEST(Results, ALineThatIsHalfWrittenOrNoneOfOursIsPassedOver) {
  const RunResults results = read(R"(not JSON "eval"
{"kind":"eval","step":-1e300,"epoch":1,"top1":40}
{"kind":"eval","epoch":"two","top1":99}
[1, "eval"]
{"kind":"train","step":12,"epoch":2.5,"loss":1}
{"kind":"train","step":15,"ep)");
  EXPECT_EQ(results.epoch, 2.5);
  EXPECT_EQ(results.lines, 5);
  EXPECT_EQ(results.damaged_lines, 3);
  EXPECT_TRUE(results.ends_in_line);
  ASSERT_EQ(results.evaluations.size(), 1u);
  EXPECT_EQ(results.evaluations[0].step, 0);
  EXPECT_EQ(read(std::string(1 << 20, 'x') + R"("eval")").evaluations.size(), 0u);
}

}  // namespace
}  // namespace smlp
