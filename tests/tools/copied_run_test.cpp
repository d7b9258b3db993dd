// Runs that people copy, tidy, rename and go back in, and what is left of them.
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <set>

#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Words;
using testing::operator+;
namespace fs = std::filesystem;

class CopiedRunTest : public testing::ProgramFixture {
 protected:
  // One run of two epochs of eight steps; a copy of it for each test.
  static void SetUpTestSuite() {
    ProgramFixture::SetUpTestSuite();
    CopiedRunTest first;
    const Finished done = first.run(first.train("run", {"--set", "checkpoint.keep_last=99"}, "2"));
    ASSERT_EQ(done.code, 0) << done.err;
    fs::rename(first.run_folder("run"), *shared_ / "run");
  }
  void SetUp() override {
    fs::create_directory(in("runs"));
    fs::copy(*shared_ / "run", run_folder("run"),
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }
  void TestBody() override {}

  Finished resume(const fs::path& path, const Words& more = {}) {
    return run(Words{"train", "--resume", path, "--epochs", "3"} + more);
  }
  fs::path checkpoints() const { return run_folder("run") / "checkpoints"; }
  std::string step(int number) const { return fmt::format("step-{:09}", number); }
  // Every file with its size and time.
  std::string contents() const {
    std::string text;
    std::set<fs::path> sorted;
    for (const auto& entry : fs::recursive_directory_iterator(run_folder("run"))) sorted.insert(entry.path());
    for (const fs::path& path : sorted)
      if (fs::is_regular_file(path) && path.filename() != "lock")
        text += fmt::format("{} {} {}\n", path.string(), fs::file_size(path),
                            fs::last_write_time(path).time_since_epoch().count());
    return text;
  }
  // It went on: as many evaluations as epochs, and both links.
  void expect_whole() {
    const std::string summary = testing::read_text(run_folder("run") / "summary.csv");
    EXPECT_EQ(std::count(summary.begin(), summary.end(), '\n'), 1 + 3) << summary;
    EXPECT_EQ(fs::read_symlink(checkpoints() / "last"), step(24));
    EXPECT_TRUE(fs::is_symlink(checkpoints() / "best"));
    EXPECT_EQ(run({"eval", run_folder("run"), "--best"}).code, 0);
  }
};

TEST_F(CopiedRunTest, GoesOnFromItsNewestCheckpointWithoutLinks) {
  for (const char* link : {"last", "best"}) fs::remove(checkpoints() / link);
  const Finished done = resume(run_folder("run"));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("going on from " + step(16)), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("at step 16"), std::string::npos) << done.err;
  expect_whole();
}

TEST_F(CopiedRunTest, GoesOnWhereCopyingFollowedTheLinks) {
  fs::rename(run_folder("run"), run_folder("original"));
  fs::copy(run_folder("original"), run_folder("run"), fs::copy_options::recursive);
  ASSERT_FALSE(fs::is_symlink(checkpoints() / "last"));
  for (const auto& entry : fs::directory_iterator(checkpoints()))
    if (entry.path().filename().string().starts_with("step-")) fs::remove_all(entry.path());
  const Finished done = resume(run_folder("run"));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("at step 16"), std::string::npos) << done.err;
  expect_whole();
}

TEST_F(CopiedRunTest, GoesOnWithoutALogThatIsGone) {
  fs::remove(run_folder("run") / "log.txt");
  const Finished done = resume(run_folder("run"));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("log.txt is gone"), std::string::npos) << done.err;
  expect_whole();
}

TEST_F(CopiedRunTest, GoesOnWithoutAConfigurationThatIsGone) {
  const fs::path config = run_folder("run") / "config.yaml";
  const std::string before = testing::read_text(config);
  fs::remove(config);
  const Finished done = run({"train", "--resume", run_folder("run")});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("config.yaml is gone"), std::string::npos) << done.err;
  const std::string after = testing::read_text(config);
  EXPECT_EQ(after.substr(after.find("  seed:")), before.substr(before.find("  seed:")));
}

TEST_F(CopiedRunTest, NothingIsTouchedWhereItCannotGoOn) {
  const fs::path log = run_folder("run") / "log.txt";
  const auto refused = [&](const fs::path& path, const Words& more, int code, const std::string& says) {
    const std::string before = contents();
    const Finished done = run(Words{"train", "--resume", path} + more);
    EXPECT_EQ(done.code, code) << done.err;
    EXPECT_NE(done.err.find(says), std::string::npos) << done.err;
    EXPECT_EQ(contents(), before) << says;
  };
  const std::string text = testing::read_text(log);
  std::ofstream(log) << "short";
  refused(checkpoints() / step(8), {}, 3, "move it away");
  fs::remove(log);
  fs::create_directory(log);
  refused(checkpoints() / step(8), {}, 3, "not a regular file");
  fs::remove(log);
  std::ofstream(log) << text;
  refused(run_folder("run"), {"--epochs", "1"}, 2, "--epochs");
  const fs::path config = run_folder("run") / "config.yaml";
  const std::string settings = testing::read_text(config);
  std::string edited = settings;
  edited.replace(edited.find("batch_size: "), 13, "batch_size: 3");
  std::ofstream(config) << edited;
  refused(run_folder("run"), {"--epochs", "3"}, 2, "train.batch_size is 3");
  std::ofstream(config) << settings;
  for (const auto& entry : fs::directory_iterator(checkpoints()))
    fs::remove(entry.path() / "optimizer.safetensors");
  refused(run_folder("run"), {"--epochs", "3"}, 3, "init.from");
  fs::remove_all(checkpoints());
  fs::create_directory(checkpoints());
  refused(run_folder("run"), {"--epochs", "3"}, 3, "no checkpoint is left");
}

// Also where no second evaluation tells that the first was saved, and where no best is kept.
TEST_F(CopiedRunTest, CheckpointsThatWereTidiedAwayAreMissed) {
  const Words none_kept{"--set", "checkpoint.keep_best=0", "--set", "checkpoint.every_epochs=0"};
  for (const auto& [more, emptied] : {std::pair(Words{"--set", "train.eval_every=0"}, false),
                                      {Words{"--set", "checkpoint.keep_best=0"}, false},
                                      {none_kept, true}}) {
    fs::remove_all(in("runs"));
    ASSERT_EQ(run(train("run", more, "2")).code, 0);
    fs::remove_all(checkpoints());
    if (emptied) fs::create_directory(checkpoints());
    const std::string before = contents();
    const Finished done = run({"train", "--resume", run_folder("run"), "--epochs", "3"});
    EXPECT_EQ(done.code, 3) << done.err;
    EXPECT_NE(done.err.find("no checkpoint is left"), std::string::npos) << done.err;
    EXPECT_EQ(contents(), before);
  }
}

TEST_F(CopiedRunTest, OtherTestImagesAreRefused) {
  testing::write_cifar10(in("raw"), 60);
  ASSERT_EQ(run({"pack", "cifar10", "--from", in("raw"), "--to", in("pack"), "--split", "test"}).code, 0);
  fs::copy(data() / "train", in("pack") / "train");
  const std::string before = contents();
  const Finished done = resume(run_folder("run"), {"--data", in("pack")});
  EXPECT_EQ(done.code, 3) << done.err;
  EXPECT_NE(done.err.find("other test images"), std::string::npos) << done.err;
  EXPECT_EQ(contents(), before);
}

TEST_F(CopiedRunTest, BestIsFoundAfterGoingBack) {
  const fs::path state = checkpoints() / step(16) / "state.json";
  auto json = nlohmann::json::parse(testing::read_text(state));
  ASSERT_GT(json["best"]["epoch"], 0);
  fs::remove(checkpoints() / "best");
  fs::create_symlink(step(16), checkpoints() / "best");
  const Finished done = run({"train", "--resume", checkpoints() / step(8), "--epochs", "1"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_FALSE(fs::exists(checkpoints() / step(16)));
  EXPECT_EQ(fs::read_symlink(checkpoints() / "best"), step(8));
  EXPECT_EQ(run({"eval", run_folder("run"), "--best"}).code, 0);
}

TEST_F(CopiedRunTest, ItsNameIsItsFolders) {
  ASSERT_EQ(resume(run_folder("run").string() + "/").code, 0);
  const std::string config = testing::read_text(run_folder("run") / "config.yaml");
  EXPECT_NE(config.find("name: run\n"), std::string::npos) << config;
  EXPECT_NE(config.find(fmt::format("output: {}\n", in("runs").string())), std::string::npos) << config;
}

TEST_F(CopiedRunTest, ACheckpointOfAnotherNameIsOneOfTheRunAgain) {
  fs::rename(checkpoints() / step(8), checkpoints() / "good");
  const Finished done = run({"train", "--resume", checkpoints() / "good", "--epochs", "1"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(fs::read_symlink(checkpoints() / "last"), step(8));
  EXPECT_TRUE(fs::exists(checkpoints() / "good/state.json"));
  EXPECT_EQ(run({"train", "--resume", run_folder("run"), "--epochs", "1"}).code, 0);
}

TEST_F(CopiedRunTest, AStretchedScheduleIsSaid) {
  const Words cosine{"--set", "schedule.name=cosine"};
  ASSERT_EQ(run(train("cosine", cosine, "2")).code, 0);
  Finished done = resume(run_folder("cosine"));
  ASSERT_EQ(done.code, 0) << done.err;
  // 1e-3 (1 + cos(π 15/16)) / 2, and (1 + cos(π 16/24)) / 2
  EXPECT_NE(
      done.err.find("cosine is stretched from 16 to 24 steps: the rate was 9.61e-06 and goes on at 0.00025"),
      std::string::npos)
      << done.err;
  done = run({"train", "--resume", run_folder("cosine"), "--epochs", "3"});
  EXPECT_EQ(done.err.find("stretched"), std::string::npos) << "as long as it was: " << done.err;
  EXPECT_NE(done.err.find("all 3 epochs are done, nothing is trained; to go on, resume with more --epochs"),
            std::string::npos)
      << done.err;

  ASSERT_EQ(run(train("wsd", {"--set", "schedule.name=wsd"}, "2")).code, 0);
  done = resume(run_folder("wsd") / "checkpoints" / step(8));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("wsd is stretched from 16 to 24 steps: the rate was 0.001 and goes on at 0.001"),
            std::string::npos)
      << "it falls later than it would have: " << done.err;
}

TEST_F(CopiedRunTest, AConfigurationOfOnesOwnIsNoRunToBeginAnewIn) {
  const fs::path folder = run_folder("own");
  fs::create_directory(folder);
  fs::copy(run_folder("run") / "config.yaml", folder);
  std::ofstream(folder / "metrics.jsonl") << "mine";
  const Finished done = resume(folder);
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_EQ(testing::read_text(folder / "metrics.jsonl"), "mine");
}

TEST_F(CopiedRunTest, PrivateFoldersAndWideNamesStandInTheTable) {
  fs::rename(run_folder("run"), run_folder("猫"));
  fs::create_directory(run_folder("private"));
  fs::create_directory_symlink("loop", run_folder("loop"));
  fs::permissions(run_folder("private"), fs::perms::none);
  const Finished done = run({"runs", in("runs")});
  fs::permissions(run_folder("private"), fs::perms::owner_all);
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(done.out.starts_with("run  epoch")) << done.out;
  EXPECT_NE(done.out.find("\n猫   2/2 "), std::string::npos) << done.out;
}

}  // namespace
}  // namespace smlp
