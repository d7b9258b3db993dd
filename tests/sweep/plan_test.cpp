// A sweep's file and the runs it stands for.
#include "smlp/sweep/plan.hpp"

#include <gtest/gtest.h>

#include "smlp/core/error.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::write_plainly;
namespace fs = std::filesystem;

class SweepPlanTest : public ::testing::Test {
 protected:
  // A sweep of these lines over a small run.
  SweepPlan plan(const std::string& sweep, const std::string& more = "") const {
    write_plainly(folder_ / "s.yaml",
                  "data: {root: shapes, image_size: 24, permute_pixels: 3}\nrun: {output: " +
                      folder_.path().string() + "}\ntrain: {epochs: 4}\n" + more + "sweep:\n" + sweep);
    return plan_sweep(folder_ / "s.yaml", {});
  }
  static std::vector<std::string> names(const SweepPlan& plan) {
    std::vector<std::string> found;
    for (const SweepJob& job : plan.jobs) found.push_back(job.name);
    return found;
  }
  void expect_refused(const std::string& sweep, const std::string& words) const {
    EXPECT_NE(testing::error_of(ErrorKind::usage, [&] { plan(sweep); }).find(words), std::string::npos)
        << testing::error_of(ErrorKind::usage, [&] { plan(sweep); });
  }

  testing::TempDir folder_;
};

TEST_F(SweepPlanTest, AGridIsEveryCombinationOfItsValues) {
  const SweepPlan found =
      plan("  grid: {model.name: [B-2/16, s_mlp], optim.lr: [1e-3, 0.01], run.seed: [0, 7]}\n");
  EXPECT_EQ(names(found),
            (std::vector<std::string>{"B-2-16_lr0.001_seed0", "B-2-16_lr0.001_seed7", "B-2-16_lr0.01_seed0",
                                      "B-2-16_lr0.01_seed7", "s-mlp_lr0.001_seed0", "s-mlp_lr0.001_seed7",
                                      "s-mlp_lr0.01_seed0", "s-mlp_lr0.01_seed7"}));
  EXPECT_EQ(found.tasks, 8);
  EXPECT_EQ(found.folder, folder_ / "s");
  const RunConfig& last = found.jobs.back().config;
  EXPECT_EQ(last.model.name, "s_mlp");
  EXPECT_EQ(last.optim->lr, 0.01);
  EXPECT_EQ(last.run.seed, 7);
  EXPECT_EQ(last.train.epochs, 4) << "the base's";
  EXPECT_EQ(fs::path(last.run.output), folder_ / "s");
}

TEST_F(SweepPlanTest, WhatTheCommandLineSaysGoesOverTheBaseAndUnderTheGrid) {
  plan("  grid: {optim.lr: [0.5]}\n", "model: {width: 8}\n");
  const SweepPlan found =
      plan_sweep(folder_ / "s.yaml", {make_override("model.name", "S-3/16", "--model S-3/16"),
                                      make_override("optim.lr", "0.1", "--lr 0.1")});
  EXPECT_EQ(found.jobs[0].config.model.name, "s_mlp");
  EXPECT_EQ(found.jobs[0].config.model->sizes(), "depth 3, width 16");
  EXPECT_EQ(found.jobs[0].config.optim->lr, 0.5);
}

TEST_F(SweepPlanTest, AListOfGridsIsOneAfterTheOther) {
  const SweepPlan found =
      plan("  grid:\n    - {optim.lr: [1e-3]}\n    - {augment.flip: [0], augment.mixup: [0, 0.4]}\n");
  EXPECT_EQ(names(found), (std::vector<std::string>{"lr0.001", "flip0_mixup0", "flip0_mixup0.4"}));
  EXPECT_EQ(found.jobs[2].config.augment.mixup, 0.4);
}

TEST_F(SweepPlanTest, ALabelNamesAGridsRuns) {
  const SweepPlan found = plan(
      "  grid:\n    - {label: base}\n    - {label: no-mixup, augment.mixup: [0], optim.lr: [0.1], run.seed: "
      "[1, 2]}\n"
      "  then: {p: {base: probe.yaml}}\n");
  EXPECT_EQ(names(found), (std::vector<std::string>{"base", "base--p", "no-mixup_seed1", "no-mixup_seed1--p",
                                                    "no-mixup_seed2", "no-mixup_seed2--p"}));
  EXPECT_EQ(names(plan("  grid: {label: one, run.seed: [0]}\n"))[0], "one_seed0") << "as beside another seed";
  EXPECT_EQ(names(plan("  grid: {optim.groups: [[], [{match: head, lr_scale: 0.1}]]}\n"))[1],
            "groupsmatchhead-lr-scale0.1");
  using Settings = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(found.jobs[5].settings,
            (Settings{{"label", "no-mixup"}, {"augment.mixup", "0"}, {"optim.lr", "0.1"}}))
      << "of what follows, those of the training before";
  for (const char* label : {"'a b'", "a--b", "''", "-a", "[a]", "../a", "jobs", "sweep.yaml"})
    expect_refused(std::string("  grid: {run.seed: [0], label: ") + label + "}\n", "sweep.grid.label");
  expect_refused("  grid:\n    - {label: a}\n    - {label: a, optim.lr: [0.1]}\n", "a label is said twice");
}

TEST_F(SweepPlanTest, EverySweepThatIsShippedCanBePlanned) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(SMLP_SOURCE_DIR "/scripts/reproduce"))
    if (entry.path().extension() == ".yaml") {
      EXPECT_GT(plan_sweep(entry.path(), {}).tasks, 1) << entry.path();
      ++count;
    }
  EXPECT_GE(count, 8);
}

TEST_F(SweepPlanTest, WhatFollowsStartsFromTheEndAndTheKeptEpochs) {
  const SweepPlan found = plan(
      "  grid: {model.name: [B-2/16], run.seed: [5]}\n"
      "  then:\n    probe: {base: probe.yaml, data: {root: cifar10, image_size: 64}, train: {epochs: 9}}\n",
      "checkpoint: {keep_epochs: [1, 2, 4, 50]}\n");
  EXPECT_EQ(names(found),
            (std::vector<std::string>{"B-2-16_seed5", "B-2-16_seed5--probe", "B-2-16_seed5--epoch1--probe",
                                      "B-2-16_seed5--epoch2--probe"}))
      << "the last epoch once, and none that never comes";
  for (std::size_t i = 1; i < found.jobs.size(); ++i) {
    const SweepJob& job = found.jobs[i];
    EXPECT_EQ(job.after, 0u);
    EXPECT_EQ(job.task, 0);
    EXPECT_EQ(job.config.model->sizes(), found.jobs[0].config.model->sizes())
        << "the model is the trained one's";
    EXPECT_EQ(job.config.data.image_size, 24) << "and so are the images it takes";
    EXPECT_EQ(job.config.data.permute_pixels, 3);
    EXPECT_EQ(job.config.data.root, "cifar10");
    EXPECT_EQ(job.config.train.epochs, 9);
    EXPECT_EQ(job.config.run.seed, 5);
    EXPECT_TRUE(job.config.init.new_head) << "of probe.yaml";
  }
}

TEST_F(SweepPlanTest, ItsOwnFileStandsForItselfElsewhere) {
  const std::string sweep =
      "  grid: {model.name: [B-2/16], optim.betas: [[0.9, 0.99], [0.95, 0.98]]}\n"
      "  then: {p: {base: own.yaml}}\n";
  write_plainly(folder_ / "own.yaml", "base: probe.yaml\ntrain: {epochs: 3}\ndata: {root: 'null'}\n");
  write_plainly(folder_ / "base.yaml", "base: probe.yaml\nloss: {label_smoothing: 0.25}\n");
  const SweepPlan found = plan(sweep, "base: base.yaml  # a file as any run's, with a base of its own\n");
  EXPECT_EQ(found.jobs[0].config.loss.label_smoothing, 0.25);
  EXPECT_EQ(found.jobs[0].name, "B-2-16_betas0.9-0.99");
  fs::create_directories(found.folder);
  write_plainly(found.folder / "sweep.yaml", found.document);
  fs::remove(folder_ / "base.yaml");
  fs::remove(folder_ / "own.yaml");
  fs::remove(folder_ / "s.yaml");
  ASSERT_TRUE(is_sweep(found.folder));
  const SweepPlan again = plan_sweep(found.folder, {});
  EXPECT_EQ(again.document, found.document);
  EXPECT_EQ(again.folder, found.folder);
  ASSERT_EQ(again.jobs.size(), found.jobs.size());
  for (std::size_t i = 0; i < found.jobs.size(); ++i)
    EXPECT_EQ(again.jobs[i].config.yaml(), found.jobs[i].config.yaml());
  EXPECT_EQ(found.jobs[1].config.data.root, "null") << "a quoted word stays one";
}

TEST_F(SweepPlanTest, WhatIsNoSweepIsRefusedWithAReason) {
  expect_refused("  grid: {optim.lr: 1e-3}\n", "expected a list of values");
  expect_refused("  grid: {optim.lr: []}\n", "expected a list of values");
  expect_refused("  grid: {model: [{name: s_mlp}]}\n", "vary its keys");
  expect_refused("  grid: {run.name: [a, b]}\n", "the sweep does");
  expect_refused("  grid: {optim.rate: [1]}\n", "optim.rate");
  expect_refused("  grid: {optim.lr: [1e-3, -1]}\n", "lr-1: ");
  expect_refused("  grid: {optim.lr: [1e-3, 1e-3]}\n", "two runs of the sweep are called lr0.001");
  expect_refused("  grid: {run.seed: [0]}\n  first: {}\n", "sweep.first: no such key");
  expect_refused("  then: {}\n", "it has no grid");
  expect_refused("  grid: {run.seed: [0]}\n  then: {probe: probe.yaml}\n", "expected a configuration");
  expect_refused("  grid: {run.seed: [0]}\n  then: {probe: {epochs: 2}}\n", "seed0--probe: ");
  expect_refused("  grid: {run.seed: [0]}\n  then: {probe: {model: {width: 8}}}\n",
                 "the model is that of the training it follows");
  expect_refused("  grid: {run.seed: [0]}\n  then: {probe: {run: {seed: 1}}}\n",
                 "the seed is that of the training it follows");
  for (const char* name : {"a/b", "''", "..//x", "a--b", "epoch1", "'x y'"})
    expect_refused(std::string("  grid: {run.seed: [0]}\n  then: {") + name + ": {}}\n",
                   "no name for what follows");
  expect_refused("  grid:\n    - {optim.lr: [1e-4]}\n    - {optim.lr: [1e-4], run.seed: [0]}\n",
                 "are the same run");
  write_plainly(folder_ / "plain.yaml", "train: {epochs: 1}\n");
  const std::string plain =
      testing::error_of(ErrorKind::usage, [&] { plan_sweep(folder_ / "plain.yaml", {}); });
  EXPECT_NE(plain.find("no section `sweep`"), std::string::npos) << plain;
  std::string many = "  grid: {run.seed: [0";
  for (int seed = 1; seed < 101; ++seed) many += "," + std::to_string(seed);
  expect_refused(many + "], train.log_every: [" + many.substr(many.find("1,")) + "]}\n",
                 "more than 10000 runs");
}

}  // namespace
}  // namespace smlp
