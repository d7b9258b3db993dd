#include "smlp/core/file_lock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "smlp/core/error.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

TEST(FileLock, ItsStateIsSeenFromOutside) {
  testing::TempDir folder;
  EXPECT_EQ(lock_state(folder / "lock"), LockState::free) << "no such file";
  std::optional<FileLock> lock(std::in_place, folder / "lock", "held");
  EXPECT_EQ(lock_state(folder / "lock"), LockState::held);
  EXPECT_THROW(FileLock(folder / "lock", "held"), Error);
  lock.reset();
  EXPECT_EQ(lock_state(folder / "lock"), LockState::free);
  EXPECT_EQ(lock_state(folder / "lock" / "below"), LockState::unknown);
}

TEST(FileLock, WhoLooksRefusesNobody) {
  testing::TempDir folder;
  std::atomic<bool> done = false;
  std::thread looks([&] {
    while (!done) {
      lock_state(folder / "lock");
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  });
  for (int i = 0; i < 200; ++i) EXPECT_NO_THROW(FileLock(folder / "lock", "held"));
  done = true;
  looks.join();
}

}  // namespace
}  // namespace smlp
