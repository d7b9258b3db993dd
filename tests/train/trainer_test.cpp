#include "smlp/train/trainer.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "smlp/core/error.hpp"
#include "smlp/train/run_folder.hpp"
#include "smlp/train/saved_model.hpp"
#include "support/errors.hpp"
#include "support/experiments.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::small_experiment;
using testing::weights_of;

TEST(Trainer, ARunSavesAModelThatOpensAgainWithItsBestResult) {
  const testing::TempDir folder;
  Experiment experiment = small_experiment(folder.path(), {"data.holdout=0.2", "model.dropout=0.1"});
  const std::filesystem::path run = make_run_folder(experiment);
  const TrainResult result = Trainer(experiment, run, std::nullopt).run();
  EXPECT_TRUE(result.finished);
  EXPECT_GT(result.best.epoch, 0);
  std::istringstream lines(read_file(run / "metrics.jsonl", 1 << 20));
  double seconds = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    if (seconds == 0 && row["kind"] == "train") {
      EXPECT_EQ(row["step"], 1) << "the first step's loss";
    }
    if (row["kind"] == "train") {
      EXPECT_GT(row["grad_norm"], 0);
    }
    if (row["kind"] != "eval") continue;
    EXPECT_EQ(row["score"], row["holdout_top1"]) << "what chooses the best";
    EXPECT_GT(row["images_per_s"], 0);
    EXPECT_GT(row["train_seconds"], seconds) << "also where no log step lies between";
    seconds = row["train_seconds"];
  }
  const SavedModel saved = open_saved_model(run, false);
  EXPECT_EQ(saved.state.step, experiment.plan.total_steps());
  EXPECT_EQ(saved.state.classes, experiment.train_set->info().classes);
  EXPECT_EQ(saved.config.yaml(), experiment.config.yaml());
  const std::vector<torch::Tensor> a = weights_of(*saved.model), b = weights_of(*experiment.model);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i], b[i]));
}

// The loop adds nothing to what the step does: a run equals its steps taken one by one.
TEST(Trainer, ARunIsItsSteps) {
  const testing::TempDir folder;
  Experiment whole = small_experiment(folder.path()), single = small_experiment(folder.path());
  Trainer(whole, make_run_folder(whole), std::nullopt).run();

  TrainingStep step(
      single.model, single.config.optim->build(single.trained), single.device,
      {.label_smoothing = single.config.loss.label_smoothing, .clip_norm = single.config.optim->clip_norm});
  RunBatches batches(single, folder / "features");
  BatchLoader loader(batches.training(), 0, single.plan.total_steps(), 0, 1, single.device.torch);
  for (std::int64_t i = 0; i < single.plan.total_steps(); ++i) ASSERT_TRUE(step(loader.next(), i, 1.0));
  const std::vector<torch::Tensor> a = weights_of(*whole.model), b = weights_of(*single.model);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i], b[i])) << i;
}

}  // namespace
}  // namespace smlp
