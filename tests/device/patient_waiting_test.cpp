#include "smlp/device/patient_waiting.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace smlp {
namespace {

std::ptrdiff_t threads() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

bool within(double seconds, const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!holds() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return holds();
}

TEST(PatientWaiting, KeepsASecondTeamAsLongAsThreadsWaitForCores) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "two threads are more than there are cores";
  ::unsetenv("OMP_WAIT_POLICY");
  const int team = at::get_num_threads();
  at::set_num_threads(2);
  const std::ptrdiff_t before = threads();
  std::atomic<bool> crowded = true;
  double waited = 1;
  {
    const PatientWaiting waiting([&] { return waited += crowded ? 1 : 0; });
    EXPECT_TRUE(within(20, [&] { return threads() > before + 1; }));
    crowded = false;
    EXPECT_TRUE(within(20, [&] { return threads() == before + 1; }));
  }
  EXPECT_EQ(threads(), before);
  at::set_num_threads(team);
}

// What is alone has no one to wait for, and a watcher that cannot go on leaves the program in peace.
TEST(PatientWaiting, DoesNothingForOneThreadOrWhenItFails) {
  ::unsetenv("OMP_WAIT_POLICY");
  const int team = at::get_num_threads();
  at::set_num_threads(1);
  const std::ptrdiff_t before = threads();
  double waited = 1;
  {
    const PatientWaiting alone([&] { return waited += 1; });
    EXPECT_FALSE(within(1, [&] { return threads() > before + 1; }));
  }
  at::set_num_threads(2);
  {
    const PatientWaiting failing([]() -> std::optional<double> { throw std::runtime_error("no file"); });
    EXPECT_TRUE(within(20, [&] { return threads() == before; }));
  }
  at::set_num_threads(team);
}

TEST(PatientWaiting, WaitingForACoreIsCounted) {
  if (!std::filesystem::exists("/proc/self/schedstat")) GTEST_SKIP() << "no one counts how long threads wait";
  std::atomic<bool> stop = false;
  std::vector<std::thread> crowd;
  for (unsigned i = 0; i < 2 * std::thread::hardware_concurrency() + 2; ++i)
    crowd.emplace_back([&] {
      while (!stop) {
      }
    });
  const double before = seconds_without_core().value();
  EXPECT_TRUE(within(20, [&] { return seconds_without_core().value() > before + 0.1; }));
  stop = true;
  for (std::thread& each : crowd) each.join();
}

TEST(PatientWaiting, LeavesTheDecisionToWhoeverMadeIt) {
  const std::ptrdiff_t before = threads();
  ::setenv("OMP_WAIT_POLICY", "active", 1);
  {
    const PatientWaiting waiting;
    EXPECT_EQ(threads(), before);
  }
  ::unsetenv("OMP_WAIT_POLICY");
}

}  // namespace
}  // namespace smlp
