// Claims: files by which processes share work, also where a file system has no locks.
#include "smlp/core/claim.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "smlp/core/host.hpp"
#include "support/program.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using namespace std::chrono_literals;
using testing::write_plainly;
namespace fs = std::filesystem;

class ClaimTest : public ::testing::Test {
 protected:
  fs::path path() const { return folder_ / "job.claim"; }
  static std::string name_of(int process, const std::string& host) {
    return "process " + std::to_string(process) + " on " + host;
  }

  testing::TempDir folder_;
};

TEST_F(ClaimTest, OneHasItUntilItLetsGo) {
  EXPECT_EQ(owner_of_claim(path()), "");
  {
    const auto claim = Claim::take(path());
    ASSERT_TRUE(claim);
    EXPECT_FALSE(Claim::take(path()));
    EXPECT_EQ(owner_of_claim(path()), name_of(::getpid(), host_name()));
  }
  EXPECT_FALSE(fs::exists(path()));
  EXPECT_TRUE(Claim::take(path()));
  EXPECT_TRUE(fs::is_empty(folder_.path())) << "nothing is left behind";
}

TEST_F(ClaimTest, OfAProcessThatIsGoneItIsTakenOver) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  write_plainly(path(), name_of(child, host_name()));
  EXPECT_EQ(owner_of_claim(path()), "");
  EXPECT_TRUE(Claim::take(path()));
}

TEST_F(ClaimTest, OfAnotherMachineItIsTakenOverWhenItIsNotRenewed) {
  write_plainly(path(), name_of(1, "elsewhere"));
  const ClaimTimes times{.renewed = 10ms, .stale = 300ms};
  EXPECT_FALSE(Claim::take(path(), times));
  EXPECT_EQ(owner_of_claim(path(), times), name_of(1, "elsewhere"));
  std::this_thread::sleep_for(500ms);
  const auto claim = Claim::take(path(), times);
  ASSERT_TRUE(claim);
  std::this_thread::sleep_for(500ms);
  EXPECT_NE(owner_of_claim(path(), times), "") << "it is renewed while it lives";
}

// A clock was set back since.
TEST_F(ClaimTest, OneOfTheFarFutureIsTakenOver) {
  write_plainly(path(), name_of(1, "elsewhere"));
  fs::last_write_time(path(), fs::file_time_type::clock::now() + 1h);
  EXPECT_TRUE(Claim::take(path()));
}

TEST_F(ClaimTest, OfManyAtOnceOneTakesAnAbandonedOne) {
  for (int round = 0; round < 200; ++round) {
    write_plainly(path(), name_of(1, "elsewhere"));
    fs::last_write_time(path(), fs::file_time_type::clock::now() - 1h);
    std::atomic<int> taken = 0;
    std::vector<std::unique_ptr<Claim>> claims(8);
    std::vector<std::thread> threads;
    for (auto& claim : claims)
      threads.emplace_back([&] { taken += (claim = Claim::take(path())) != nullptr; });
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(taken, 1) << "round " << round;
  }
}

TEST_F(ClaimTest, OneWhoDiedTakingOverIsInNobodysWay) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  write_plainly(path(), name_of(child, host_name()));
  write_plainly(folder_ / ".job.claim.tmp-abandoned", name_of(child, host_name()));
  EXPECT_FALSE(Claim::take(path()));
  EXPECT_TRUE(Claim::take(path()));
}

}  // namespace
}  // namespace smlp
