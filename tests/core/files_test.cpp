#include "smlp/core/files.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::TempDir;

std::size_t entries_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(AtomicFile, AppearsWholeOnCommitAndReplacesWhatWasThere) {
  const TempDir folder;
  write_file_atomically(folder / "file", "old");
  AtomicFile file(folder / "file");
  file.write("????");
  file.write(" tail");
  file.write_at(0, "head", 4);
  EXPECT_EQ(file.size(), 9u);
  EXPECT_EQ(read_file(folder / "file", 100), "old");
  file.commit();
  EXPECT_EQ(read_file(folder / "file", 100), "head tail");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST(AtomicFile, LeavesNothingBehindWithoutCommit) {
  const TempDir folder;
  { AtomicFile(folder / "file").write("text"); }
  EXPECT_EQ(entries_in(folder.path()), 0u);
}

TEST(AtomicFile, WritesWhatALinkMeansAndReplacesNoPipe) {
  const TempDir folder;
  write_file_atomically(folder / "file", "old");
  fs::create_symlink("file", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "file", 100), "new");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  error_of(ErrorKind::failed, [&] { write_file_atomically(folder / "pipe", "x"); });
  EXPECT_TRUE(fs::is_fifo(folder / "pipe"));
}

TEST(AtomicFile, KeepsTheModeOfWhatItReplaces) {
  const TempDir folder;
  write_file_atomically(folder / "file", "old");
  for (const auto mode : {fs::perms(0600), fs::perms(0640), fs::perms(0777)}) {
    fs::permissions(folder / "file", mode);
    write_file_atomically(folder / "file", "new");
    EXPECT_EQ(fs::status(folder / "file").permissions(), mode);
  }
}

TEST(AtomicFile, DoesNotReplaceWhatTheUserMayNotWrite) {
  const TempDir folder;
  write_file_atomically(folder / "file", "old");
  fs::permissions(folder / "file", fs::perms(0444));
  fs::permissions(folder.path(), fs::perms(0777));
  const uid_t user = geteuid();
  ASSERT_EQ(seteuid(user == 0 ? 65534 : user), 0);
  const std::string message =
      error_of(ErrorKind::failed, [&] { write_file_atomically(folder / "file", "new"); });
  ASSERT_EQ(seteuid(user), 0);
  EXPECT_NE(message.find("file: Permission denied"), std::string::npos) << message;
  EXPECT_EQ(read_file(folder / "file", 100), "old");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST(AtomicFile, NamesTheFileAndTheReasonWhenWritingFails) {
  const TempDir folder;
  const std::string missing = error_of(ErrorKind::failed, [&] { AtomicFile(folder / "no/such/file"); });
  EXPECT_NE(missing.find("no/such/file: No such file or directory"), std::string::npos) << missing;

  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string full = error_of(ErrorKind::failed, [&] {
    write_file_atomically(folder / "large", std::string(5000, 'x'));  // a short write first, then an error
  });
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_NE(full.find("large: File too large"), std::string::npos) << full;
  EXPECT_EQ(entries_in(folder.path()), 0u);
}

TEST(StagedDirectory, AppearsOnCommitAndIsGoneWithoutIt) {
  const TempDir folder;
  {
    const StagedDirectory abandoned(folder / "made");
    write_file_atomically(abandoned.path() / "file", "text");
  }
  EXPECT_EQ(entries_in(folder.path()), 0u);
  StagedDirectory staged(folder / "made/");
  fs::create_directories(staged.path() / "a/b");
  write_file_atomically(staged.path() / "a/b/file", "text");
  EXPECT_FALSE(fs::exists(folder / "made"));
  staged.commit();
  EXPECT_EQ(read_file(folder / "made/a/b/file", 100), "text");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST(StagedDirectory, RefusesATargetThatExistsUnlessToldToReplace) {
  const TempDir folder;
  fs::create_directory(folder / "made");
  write_file_atomically(folder / "made/old", "old");
  EXPECT_NE(error_of(ErrorKind::usage, [&] { StagedDirectory(folder / "made"); }).find("already exists"),
            std::string::npos);
  StagedDirectory staged(folder / "made", true);
  write_file_atomically(staged.path() / "new", "new");
  EXPECT_TRUE(fs::exists(folder / "made/old"));
  staged.commit();
  EXPECT_EQ(entries_in(folder.path()), 1u);
  EXPECT_EQ(entries_in(folder / "made"), 1u);
  EXPECT_EQ(read_file(folder / "made/new", 100), "new");
}

TEST(StagedDirectory, RefusesATargetThatAppearedMeanwhile) {
  const TempDir folder;
  StagedDirectory staged(folder / "made");
  fs::create_directory(folder / "made");
  error_of(ErrorKind::usage, [&] { staged.commit(); });
}

TEST(ReplaceLink, MakesAndSwapsASymbolicLink) {
  const TempDir folder;
  replace_link(folder / "last", "step-1");
  replace_link(folder / "last", "step-2");
  EXPECT_EQ(fs::read_symlink(folder / "last"), "step-2");
  EXPECT_EQ(entries_in(folder.path()), 1u);
  fs::create_directory(folder / "taken");
  error_of(ErrorKind::failed, [&] { replace_link(folder / "taken", "step-3"); });
  EXPECT_EQ(entries_in(folder.path()), 2u);
}

TEST(ReadFile, RefusesWhatIsTooLongMissingOrNotAFile) {
  const TempDir folder;
  write_file_atomically(folder / "file", "12345");
  EXPECT_EQ(read_file(folder / "file", 5), "12345");
  EXPECT_EQ(read_bytes(folder / "file", 5).size(), 5u);
  EXPECT_NE(error_of(ErrorKind::data, [&] { read_file(folder / "file", 4); }).find("at most 4"),
            std::string::npos);
  EXPECT_NE(error_of(ErrorKind::data, [&] { read_file("/dev/zero", 4); }).find("not a regular file"),
            std::string::npos);
  EXPECT_NE(error_of(ErrorKind::data, [&] { read_file(folder.path(), 4); }).find("not a regular file"),
            std::string::npos);
  EXPECT_NE(error_of(ErrorKind::data, [&] { read_file(folder / "none", 4); }).find("No such file"),
            std::string::npos);
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);  // must not wait for a writer
  error_of(ErrorKind::data, [&] { read_file(folder / "pipe", 4); });
  error_of(ErrorKind::data, [&] { MappedFile(folder / "pipe"); });
}

TEST(ReadFile, LimitsAFileWhoseSizeIsUnknown) {
  EXPECT_FALSE(read_file("/proc/self/status", 1 << 20).empty());  // its size is stated as 0
  error_of(ErrorKind::data, [&] { read_file("/proc/self/status", 10); });
}

TEST(MappedFile, ShowsTheFileAndMoves) {
  const TempDir folder;
  write_file_atomically(folder / "file", "bytes");
  MappedFile first(folder / "file");
  MappedFile second(std::move(first));
  EXPECT_TRUE(first.bytes().empty());
  first = std::move(second);
  const auto bytes = first.bytes();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "bytes");
  write_file_atomically(folder / "empty", "");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
}

}  // namespace
}  // namespace smlp
