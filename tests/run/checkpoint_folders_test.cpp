#include "smlp/run/checkpoint_folders.hpp"

#include <gtest/gtest.h>

#include "smlp/core/files.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::TempDir;

class CheckpointFolders : public ::testing::Test {
 protected:
  // A checkpoint of `step` whose best result was at step `best`.
  fs::path make(const std::string& name, std::int64_t step, std::int64_t best = 0,
                const std::string& hash = "1") const {
    const fs::path folder = folder_ / "checkpoints" / name;
    fs::create_directories(folder);
    for (const char* part : {"model", "optimizer"}) write_file_atomically(part_file(folder, part), hash);
    TrainingState state;
    state.step = step;
    state.best = {best > 0 ? 1 : 0, best, 1, 1, 1};
    write_file_atomically(state_file(folder),
                          state_text(state, {{"model.safetensors", hash}, {"optimizer.safetensors", hash}}));
    return folder;
  }
  fs::path step(std::int64_t number, std::int64_t best = 0) const {
    return make(checkpoint_folder("", number).filename(), number, best);
  }
  bool has(const std::string& name) const { return fs::exists(folder_ / "checkpoints" / name); }
  const fs::path& run() const { return folder_.path(); }

  const TempDir folder_;
};

TEST_F(CheckpointFolders, LastAndBestAreFoundWithoutLinks) {
  EXPECT_EQ(newest_checkpoint(run()), std::nullopt);
  error_of(ErrorKind::data, [&] { find_checkpoint(run()); });
  const fs::path fifth = step(5, 5), tenth = step(10, 5);
  EXPECT_EQ(find_checkpoint(run()), fs::canonical(tenth));
  EXPECT_EQ(find_checkpoint(run(), true), fs::canonical(fifth));
  EXPECT_EQ(find_checkpoint(fifth, true), fs::canonical(fifth));
  fs::remove_all(fifth);
  EXPECT_NE(error_of(ErrorKind::data, [&] { find_checkpoint(run(), true); }).find("of step 5"),
            std::string::npos);
}

TEST_F(CheckpointFolders, WhatIsNotWholeIsPassedOver) {
  const fs::path fifth = step(5), tenth = step(10), last = step(15);
  fs::remove(part_file(tenth, "optimizer"));
  fs::remove(state_file(last));
  EXPECT_EQ(newest_checkpoint(run()), tenth);
  EXPECT_EQ(newest_checkpoint(run(), true), fifth);
}

TEST_F(CheckpointFolders, LinksThatWereCopiedAsFoldersGetTheirNames) {
  make("best", 5, 5);
  make("last", 10, 5);
  EXPECT_EQ(newest_checkpoint(run()), folder_ / "checkpoints/last");
  EXPECT_EQ(find_checkpoint(run(), true).filename(), "best");
  step(10);
  adopt_copied_links(run());
  EXPECT_TRUE(has("step-000000005") && has("step-000000010"));
  EXPECT_FALSE(has("best") || has("last"));
}

TEST_F(CheckpointFolders, AFolderThatIsNoCopyOfItsStepStays) {
  step(10);
  const fs::path other = make("last", 10, 0, "2");
  EXPECT_NE(error_of(ErrorKind::data, [&] { adopt_copied_links(run()); }).find("differ"), std::string::npos);
  fs::remove(state_file(other));
  error_of(ErrorKind::data, [&] { adopt_copied_links(run()); });
  EXPECT_TRUE(has("last") && has("step-000000010"));
}

TEST_F(CheckpointFolders, OnlyWhatIsExactlyACheckpointIsDeleted) {
  for (const std::int64_t number : {5, 10, 15, 20}) step(number);
  make("step-000000003-good", 3);
  fs::create_directory(folder_ / "checkpoints/step-000000001");  // no checkpoint
  prune_checkpoints(run(), 2, {5});
  EXPECT_TRUE(has("step-000000005") && has("step-000000015") && has("step-000000020"));
  EXPECT_FALSE(has("step-000000010"));
  drop_checkpoints_after(run(), 5);
  EXPECT_FALSE(has("step-000000015") || has("step-000000020"));
  EXPECT_TRUE(has("step-000000005") && has("step-000000003-good") && has("step-000000001"));
}

TEST_F(CheckpointFolders, LinksFollowTheirSteps) {
  step(5), step(10);
  const auto target = [&](const char* link) { return fs::read_symlink(folder_ / "checkpoints" / link); };
  update_links(run(), 10, 5);
  EXPECT_EQ(target("last"), "step-000000010");
  EXPECT_EQ(target("best"), "step-000000005");
  update_links(run(), 5, 10);
  EXPECT_EQ(target("last"), "step-000000005");
  EXPECT_EQ(target("best"), "step-000000010");
  update_links(run(), 5, std::nullopt);
  EXPECT_FALSE(fs::is_symlink(folder_ / "checkpoints/best"));
}

TEST_F(CheckpointFolders, ACheckpointOutsideARunIsNotGoneOnWith) {
  EXPECT_EQ(run_of_checkpoint(step(5)), run());
  EXPECT_EQ(run_of_checkpoint("runs/a/checkpoints/last/"), "runs/a");
  EXPECT_EQ(run_of_checkpoint("checkpoints/last"), fs::current_path());
  EXPECT_NE(error_of(ErrorKind::usage, [&] { run_of_checkpoint(folder_ / "a/b"); }).find("init.from"),
            std::string::npos);
}

}  // namespace
}  // namespace smlp
