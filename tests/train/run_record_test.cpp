#include "smlp/train/run_record.hpp"

#include <gtest/gtest.h>

#include "smlp/train/run_folder.hpp"
#include "smlp/train/training_step.hpp"
#include "support/errors.hpp"
#include "support/experiments.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::small_experiment;
using testing::TempDir;

std::vector<CheckpointPart> model_alone(const Experiment& e) {
  return {model_part(*e.model)};
}

TEST(RunRecord, ARunIsWrittenByOneProcessAtATime) {
  const TempDir folder;
  Experiment e = small_experiment(folder.path(), {"run.name=a"});
  const fs::path run = make_run_folder(e);
  const RunRecord record(e, run, model_alone(e), std::nullopt);
  EXPECT_NE(error_of(ErrorKind::failed, [&] { RunRecord(e, run, model_alone(e), std::nullopt); })
                .find("being written"),
            std::string::npos);
}

TEST(RunRecord, GoesOnFromACheckpointAndDropsWhatCameAfterIt) {
  const TempDir folder;
  Experiment e = small_experiment(folder.path(), {"run.name=a", "checkpoint.keep_last=5"});
  const fs::path run = make_run_folder(e);
  {
    RunRecord record(e, run, model_alone(e), std::nullopt);
    for (const std::int64_t step : {2, 4, 6}) {
      record.state().step = step;
      if (step == 4) {
        EXPECT_TRUE(record.offer_best({1, 4, 40, 40, 80}));
        EXPECT_FALSE(record.offer_best({1, 4, 40, 41, 80})) << "no better score";
      }
      record.save();
    }
    record.finish();
  }
  EXPECT_EQ(fs::read_symlink(run / "checkpoints/best"), "step-000000004");
  RunRecord record(e, run, model_alone(e), checkpoint_folder(run, 4));
  EXPECT_EQ(record.state().step, 4);
  EXPECT_EQ(record.state().best.score, 40);
  EXPECT_EQ(fs::read_symlink(run / "checkpoints/last"), "step-000000004");
  EXPECT_FALSE(fs::exists(checkpoint_folder(run, 6)));
  EXPECT_TRUE(fs::exists(checkpoint_folder(run, 2)));
}

TEST(RunRecord, OtherImagesAreRefusedAndNothingIsTouched) {
  const TempDir folder;
  Experiment e = small_experiment(folder.path(), {"run.name=a"});
  const fs::path run = make_run_folder(e);
  { RunRecord(e, run, model_alone(e), std::nullopt).save(); }
  const std::string before = read_file(run / "log.txt", 1 << 20);
  e.train_set = e.test_set;
  EXPECT_NE(error_of(ErrorKind::data, [&] { RunRecord(e, run, model_alone(e), checkpoint_folder(run, 0)); })
                .find("other images"),
            std::string::npos);
  EXPECT_EQ(read_file(run / "log.txt", 1 << 20), before);
}

TEST(RunRecord, CheckpointsFallDueByEpochsAndSteps) {
  const TempDir folder;
  const auto due = [&](const std::vector<std::string>& settings) {
    Experiment e = small_experiment(folder.path(), settings);  // epochs end at steps 4, 7 and 10
    RunRecord record(e, make_run_folder(e), model_alone(e), std::nullopt);
    std::string steps;
    for (std::int64_t step = 1; step <= 10; ++step) {
      record.state().step = step;
      if (record.save_due(step - 1)) steps += std::to_string(step) + " ";
    }
    return steps;
  };
  EXPECT_EQ(due({}), "10 ");
  EXPECT_EQ(due({"checkpoint.every_epochs=1"}), "4 7 10 ");
  EXPECT_EQ(due({"checkpoint.every_epochs=2"}), "7 10 ");
  EXPECT_EQ(due({"checkpoint.keep_epochs=[1]"}), "4 10 ");
  EXPECT_EQ(due({"checkpoint.every_steps=3"}), "3 6 9 10 ");
}

// A rank that does not write leaves the folder alone.
TEST(RunRecord, OnlyTheWritingRankChangesFiles) {
  struct SecondRank : World {
    int rank() const override { return 1; }
    int size() const override { return 2; }
  };
  const TempDir folder;
  Experiment e = small_experiment(folder.path(), {"run.name=a"});
  const fs::path run = make_run_folder(e);
  e.world = std::make_shared<SecondRank>();
  RunRecord record(e, run, model_alone(e), std::nullopt);
  record.write({"train", 1, 0.5, {}});
  record.save();
  EXPECT_TRUE(fs::is_empty(run / "checkpoints"));
  EXPECT_EQ(std::distance(fs::directory_iterator(run), {}), 1) << "checkpoints alone";
}

}  // namespace
}  // namespace smlp
