// The binary on file systems that lack something, in odd terminals and shells.
#include <gtest/gtest.h>

#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Program;
using testing::Words;
using testing::operator+;
namespace fs = std::filesystem;

class FileSystemTest : public testing::ProgramFixture {
 protected:
  static Program::Environment without(const std::string& what) {
    return {{"LD_PRELOAD", SMLP_FAULT_SHIM}, {"FAULT_LACKS", what}};
  }
  // `before` is shell commands; then the program takes the shell's place.
  Finished in_shell(const std::string& before, const Words& words, const std::string& after = "") {
    return Program(folder_.path(),
                   Words{"/bin/sh", "-c", before + "; exec \"$0\" \"$@\" " + after, SMLP_PROGRAM} + words)
        .wait();
  }
  Words names_in(const fs::path& folder) const {
    Words names;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      names.push_back(entry.path().filename());
    return names;
  }
};

TEST_F(FileSystemTest, WithoutLocksLinksSharedMappingsAndSyncingOfFoldersARunIsTheSame) {
  const auto lacking = without("locks,links,shared-maps,folder-sync");
  const Finished packed = run({"pack", "cifar10", "--from", *shared_ / "raw", "--to", in("pack")}, lacking);
  EXPECT_EQ(packed.code, 0) << packed.err;
  EXPECT_NE(packed.err.find("No locks available"), std::string::npos) << packed.err;
  ASSERT_EQ(run(train("whole", {}, "3")).code, 0);
  ASSERT_EQ(run(train("a", {}, "2"), lacking).code, 0);
  const Finished done = run({"train", "--resume", run_folder("a"), "--epochs", "3"}, lacking);
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("cannot be locked"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("no links"), std::string::npos) << done.err;
  const std::string weights = "checkpoints/step-000000024/model.safetensors";
  EXPECT_EQ(testing::read_text(run_folder("a") / weights), testing::read_text(run_folder("whole") / weights));
  EXPECT_FALSE(fs::is_symlink(run_folder("a") / "checkpoints/last"));
  EXPECT_EQ(run({"eval", run_folder("a"), "--best"}, lacking).code, 0);
}

TEST_F(FileSystemTest, WithoutRenamingOfFoldersNothingIsBegun) {
  const Finished trained = run(train("a"), without("folder-rename"));
  EXPECT_EQ(trained.code, 1) << trained.err;
  EXPECT_NE(trained.err.find("another file system"), std::string::npos) << trained.err;
  EXPECT_FALSE(fs::exists(run_folder("a") / "config.yaml"));
  const Finished packed =
      run({"pack", "cifar10", "--from", *shared_ / "raw", "--to", in("pack")}, without("folder-rename"));
  EXPECT_EQ(packed.code, 1) << packed.err;
  EXPECT_TRUE(fs::is_empty(in("pack")));
}

TEST_F(FileSystemTest, ALimitOnFileSizesIsAnErrorThatLeavesNothingHalfMade) {
  const std::string limit = "ulimit -f 60";  // 30 or 60 KiB, as the shell counts
  const Finished trained = in_shell(limit, train("a"));
  EXPECT_EQ(trained.code, 1) << trained.err;
  EXPECT_NE(trained.err.find("File too large"), std::string::npos) << trained.err;
  for (const std::string& name : names_in(run_folder("a")))
    EXPECT_EQ(name.find(".tmp-"), std::string::npos) << name;
  const Finished packed =
      in_shell(limit, {"pack", "cifar10", "--from", *shared_ / "raw", "--to", in("pack")});
  EXPECT_EQ(packed.code, 1) << packed.err;
  EXPECT_NE(packed.err.find("File too large"), std::string::npos) << packed.err;
  EXPECT_FALSE(fs::exists(in("pack")));
}

TEST_F(FileSystemTest, ClosedStreamsPutNoMessageIntoAFile) {
  ASSERT_EQ(run(train("open", {}, "1")).code, 0);
  ASSERT_EQ(in_shell(":", train("closed", {}, "1"), "<&- >&- 2>&-").code, 0);
  testing::expect_same_run(run_folder("open"), run_folder("closed"));
  EXPECT_TRUE(testing::read_text(run_folder("closed") / "lock").starts_with("process "));
  ASSERT_EQ(
      in_shell(":", {"pack", "cifar10", "--from", *shared_ / "raw", "--to", in("pack")}, "<&- >&- 2>&-").code,
      0);
  for (const char* file : {"train/images.npy", "train/names.txt"})
    EXPECT_EQ(testing::read_text(in("pack") / file), testing::read_text(data() / file)) << file;
}

TEST_F(FileSystemTest, AWorkingFolderThatIsGoneIsSaid) {
  const Finished done = in_shell("mkdir gone; cd gone; rmdir ../gone", {"runs"});
  EXPECT_EQ(done.code, 1);
  EXPECT_TRUE(done.err.find("is gone") != std::string::npos) << done.err;
}

// A group that shares its runs has the umask 002.
TEST_F(FileSystemTest, WhatTheUmaskGrantsTheGroupMayWrite) {
  ASSERT_EQ(in_shell("umask 002", train("shared", {}, "1")).code, 0);
  for (const auto& entry : fs::recursive_directory_iterator(run_folder("shared"))) {
    if (entry.is_symlink()) continue;
    EXPECT_NE(entry.status().permissions() & fs::perms::group_write, fs::perms::none) << entry.path();
  }
}

TEST_F(FileSystemTest, ThreadsFollowTheEnvironmentAndTheConfiguration) {
  const Program::Environment one{{"OMP_NUM_THREADS", "1"}};
  const Finished done = run({"info", "--system"}, one);
  EXPECT_NE(done.out.find("1 (OMP_NUM_THREADS)"), std::string::npos) << done.out;
  const Finished more = run(
      {"train", "--config", "quickstart.yaml", "--dry-run", "--device", "cpu", "--set", "device.threads=3"},
      one);
  EXPECT_NE(more.out.find("3 threads"), std::string::npos) << more.out << more.err;
}

}  // namespace
}  // namespace smlp
