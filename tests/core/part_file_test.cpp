#include "smlp/core/part_file.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "smlp/core/files.hpp"
#include "smlp/core/hash.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::TempDir;

TEST(PartFile, GrowsOverSeveralRunsAndTakesItsNameOnCommit) {
  const TempDir folder;
  const fs::path target = folder / "file";
  PartFile(target).write("one ", 4);
  EXPECT_EQ(read_file(folder / "file.part", 100), "one ");
  PartFile part(target);
  EXPECT_EQ(part.size(), 4u);
  part.write("two", 3);
  EXPECT_FALSE(fs::exists(target));
  part.commit();
  EXPECT_EQ(read_file(target, 100), "one two");
  EXPECT_FALSE(fs::exists(folder / "file.part"));
}

TEST(PartFile, LeavesNoEmptyFileBehind) {
  const TempDir folder;
  PartFile(folder / "file").write("text", 4);
  PartFile(folder / "file").clear();
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(PartFile, IsOpenInOneProcessOnlyAndARegularFile) {
  const TempDir folder;
  const PartFile first(folder / "file");
  const std::string busy = error_of(ErrorKind::failed, [&] { PartFile(folder / "file"); });
  EXPECT_NE(busy.find("file.part is being written by another process"), std::string::npos) << busy;

  ASSERT_EQ(::mkfifo((folder / "pipe.part").c_str(), 0600), 0);
  fs::create_directory(folder / "folder.part");
  fs::create_symlink(folder / "elsewhere", folder / "link.part");
  for (const char* name : {"pipe", "folder", "link", "no/such/folder"})
    EXPECT_NE(error_of(ErrorKind::failed, [&] { PartFile(folder / name); }).find(name), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "elsewhere"));
}

TEST(PartFile, KeepsWhatFittedOnTheDisk) {
  const TempDir folder;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string full = error_of(
      ErrorKind::failed, [&] { PartFile(folder / "large").write(std::string(5000, 'x').data(), 5000); });
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_NE(full.find("large.part: File too large"), std::string::npos) << full;
  EXPECT_EQ(fs::file_size(folder / "large.part"), 1000u);
}

TEST(Md5, IsThePublishedOneOfRfc1321) {
  const TempDir folder;
  testing::write_plainly(folder / "file", "abc");
  EXPECT_EQ(md5_hex(folder / "file"), "900150983cd24fb0d6963f7d28e17f72");
  testing::write_plainly(folder / "file", "");
  EXPECT_EQ(md5_hex(folder / "file"), "d41d8cd98f00b204e9800998ecf8427e");
  testing::write_plainly(folder / "file", std::string(3 << 20, 'a'));  // of more than one block
  EXPECT_EQ(md5_hex(folder / "file"), "6a11a8872b36343799a15617bea78cef");
  error_of(ErrorKind::data, [&] { md5_hex(folder / "missing"); });
  error_of(ErrorKind::data, [&] { md5_hex(folder.path()); });
}

}  // namespace
}  // namespace smlp
