#include "smlp/core/stopwatch.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace smlp {
namespace {

void wait() {
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

TEST(Stopwatch, StandsStillWhileAnyPauseLives) {
  Stopwatch stopwatch(5);
  wait();
  double stood = 0;
  {
    const Stopwatch::Pause outer(stopwatch);
    stood = stopwatch.seconds();
    {
      const Stopwatch::Pause inner(stopwatch);
      wait();
    }
    wait();
    EXPECT_EQ(stopwatch.seconds(), stood);
  }
  EXPECT_GT(stood, 5.001);
  wait();
  EXPECT_GT(stopwatch.seconds(), stood + 0.001);
}

}  // namespace
}  // namespace smlp
