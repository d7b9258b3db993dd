#include "smlp/core/cpu_quota.hpp"

#include <gtest/gtest.h>

#include <string>

#include "smlp/core/files.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::TempDir;

class CpuQuota : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const {
    make_parent_directory(root_ / path);
    write_file_atomically(root_ / path, text);
  }
  // As the kernel lists them: where each hierarchy is mounted, and the process's group in each.
  void system(const std::string& mounts, const std::string& groups) const {
    write("proc/self/mountinfo", "23 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n" + mounts);
    write("proc/self/cgroup", groups);
  }
  std::optional<double> quota() const { return cpu_quota(root_.path()); }

  const TempDir root_;
  const std::string first_ = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpuacct,cpu\n";
  const std::string second_ = "32 31 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
};

TEST_F(CpuQuota, IsNoneWhereNothingLimits) {
  EXPECT_EQ(quota(), std::nullopt) << "no /proc";
  system(first_, "4:cpuacct,cpu:/job\n");
  EXPECT_EQ(quota(), std::nullopt) << "no files";
  write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  system(second_, "0::/job\n");
  write("sys/fs/cgroup/job/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuota, IsTheLeastOfTheGroupAndThoseAboveIt) {
  system(first_, "5:cpuset:/other\n4:cpuacct,cpu:/job/step\n");
  write("sys/fs/cgroup/cpu/job/step/cpu.cfs_quota_us", "300000\n");
  write("sys/fs/cgroup/cpu/job/step/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 3);
  write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "50000\n");
  write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 0.5);

  system(second_, "0::/slice/unit\n");
  write("sys/fs/cgroup/slice/cpu.max", "150000 100000\n");
  write("sys/fs/cgroup/slice/unit/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), 1.5);
}

// Its mount point is its own group, and /proc names groups as they are called outside.
TEST_F(CpuQuota, IsFoundInsideAContainer) {
  system("32 31 0:29 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/docker/abc\n");
  write("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 2);
  system(second_, "0::/../../elsewhere\n");
  EXPECT_EQ(quota(), 2);
}

}  // namespace
}  // namespace smlp
