#include "smlp/core/host_memory.hpp"

#include <gtest/gtest.h>

#include <string>

#include "smlp/core/files.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

constexpr double mib = 1 << 20;

class HostMemoryTest : public ::testing::Test {
 protected:
  HostMemoryTest() {
    write("proc/meminfo",
          "MemTotal:       8388608 kB\nMemFree: 1 kB\nMemAvailable: 4194304 kB\nSwapTotal: 1024 kB\n");
  }
  void write(const std::string& path, const std::string& text) const {
    make_parent_directory(root_.path() / path);
    write_file_atomically(root_.path() / path, text);
  }
  void expect(double total, double available) const {
    const HostMemory memory = host_memory(root_.path());
    EXPECT_EQ(memory.total / mib, total);
    EXPECT_EQ(memory.available / mib, available);
  }

  const testing::TempDir root_;
};

TEST_F(HostMemoryTest, IsTheMachinesWithSwapWhereNothingLimits) {
  expect(8193, 4096);
  write("proc/self/mountinfo", "32 31 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  write("proc/self/cgroup", "0::/job\n");
  write("sys/fs/cgroup/job/memory.max", "max\n");
  expect(8193, 4096);
}

TEST_F(HostMemoryTest, IsTheGroupsLimitLessWhatIsInUseThere) {
  write("proc/self/mountinfo", "32 31 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  write("proc/self/cgroup", "0::/slice/job\n");
  write("sys/fs/cgroup/slice/memory.max", std::to_string(512 << 20) + "\n");
  write("sys/fs/cgroup/slice/memory.current", std::to_string(300 << 20) + "\n");
  write("sys/fs/cgroup/slice/memory.stat", "anon 5\ninactive_file " + std::to_string(200 << 20) + "\n");
  write("sys/fs/cgroup/slice/job/memory.max", "max\n");
  expect(512, 412);

  write("proc/self/mountinfo", "32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  write("proc/self/cgroup", "7:memory:/job\n");
  write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", std::to_string(256 << 20) + "\n");
  write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", std::to_string(56 << 20) + "\n");
  expect(256, 200);
}

}  // namespace
}  // namespace smlp
