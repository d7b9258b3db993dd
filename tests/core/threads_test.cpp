#include "smlp/core/threads.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

namespace smlp {
namespace {

TEST(AvailableCores, CountsTheThreadsAffinityMask) {
  EXPECT_GE(available_cores(), 1);
  std::thread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(available_cores(), 1);
  }).join();
}

TEST(DefaultThreads, FollowOpenMpsVariableOrElseTheCores) {
  for (const auto& [text, count] : {std::pair("3", 3), std::pair("5,2", 5)}) {
    setenv("OMP_NUM_THREADS", text, 1);
    EXPECT_EQ(default_threads().count, count) << text;
    EXPECT_EQ(default_threads().source, "OMP_NUM_THREADS");
  }
  for (const char* text : {"", "0", "-2", "many", "2x"}) {
    setenv("OMP_NUM_THREADS", text, 1);
    EXPECT_EQ(default_threads().count, available_cores()) << text;
  }
  unsetenv("OMP_NUM_THREADS");
}

TEST(ForEachIndex, VisitsEveryIndexOnce) {
  for (const int threads : {0, 1, 7}) {
    std::vector<std::atomic<int>> visits(1000);
    for_each_index(1000, threads, [&](std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; });
    for (const auto& count : visits) ASSERT_EQ(count, 1);
  }
  for_each_index(0, 4, [](std::int64_t) { FAIL(); });
}

TEST(ForEachIndex, RethrowsTheFirstExceptionAndStops) {
  std::atomic<int> done{0};
  EXPECT_THROW(for_each_index(1'000'000'000, 3,
                              [&](std::int64_t i) {
                                if (i == 10) throw std::runtime_error("ten");
                                ++done;
                              }),
               std::runtime_error);
  EXPECT_LT(done, 1'000'000'000 - 1);
}

}  // namespace
}  // namespace smlp
