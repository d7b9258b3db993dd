#include "smlp/train/trainer.hpp"

#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>

#include "smlp/core/error.hpp"
#include "smlp/pack/pack.hpp"
#include "smlp/train/saved_model.hpp"
#include "smlp/train/tensor_file.hpp"
#include "support/errors.hpp"
#include "support/raw_data.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

// Three steps of a small model on the embedded data set.
Experiment small_experiment(const std::filesystem::path& folder, const std::vector<std::string>& more = {}) {
  std::vector<ConfigNode> overrides;
  for (const std::string base :
       {"device.type=cpu", "device.precision=fp32", "device.threads=1", "model.width=16", "model.depth=2",
        "data.per_class=20", "data.workers=0", "train.batch_size=64", "train.epochs=3", "train.log_every=100",
        "checkpoint.every_epochs=0"})
    overrides.push_back(parse_override(base));
  overrides.push_back(parse_override("run.output=" + folder.string()));
  for (const std::string& assignment : more) overrides.push_back(parse_override(assignment));
  return make_experiment(load_run_config("quickstart.yaml", std::move(overrides)));
}

std::vector<torch::Tensor> weights_of(const Model& model) {
  std::vector<torch::Tensor> weights;
  for (const auto& [name, tensor] : named_tensors(model)) weights.push_back(tensor.detach().clone());
  return weights;
}

std::atomic<int> synchronisations{0};
std::atomic<int> copies{0};
thread_local std::vector<std::string> enclosing;

// Counts what the step itself asks for. What lies inside another operator belongs to its kernel: a CPU's
// addmm copies its bias and its fused AdamW reads the step count, a GPU's do neither. aten::to copies only
// when it calls _to_copy.
std::unique_ptr<at::ObserverContext> enter_operator(const at::RecordFunction& function) {
  const std::string name = function.name();
  const bool own = std::all_of(enclosing.begin(), enclosing.end(),
                               [](const std::string& outer) { return outer == "aten::to"; });
  if (own && (name == "aten::_local_scalar_dense" || name == "aten::item")) ++synchronisations;
  if (own && (name == "aten::copy_" || name == "aten::_to_copy")) ++copies;
  enclosing.push_back(name);
  return nullptr;
}
void leave_operator(const at::RecordFunction&, at::ObserverContext*) {
  enclosing.pop_back();
}

TEST(Trainer, AStepBetweenLogStepsNeitherSynchronisesNorCopies) {
  for (const std::string optimizer : {"lion", "sgd", "adamw"}) {
    const testing::TempDir folder;
    Experiment experiment = small_experiment(
        folder.path(), {"optim.name=" + optimizer, "augment.mixup=0.8", "train.micro_batch=32"});
    Trainer trainer(experiment, make_run_folder(experiment), std::nullopt);
    experiment.model->train();
    trainer.train_step();  // makes what is made once
    synchronisations = copies = 0;
    const auto handle = at::addGlobalCallback(
        at::RecordFunctionCallback(enter_operator, leave_operator).scopes({at::RecordScope::FUNCTION}));
    trainer.train_step();
    trainer.train_step();
    at::removeCallback(handle);
    EXPECT_EQ(synchronisations, 0) << optimizer;
    EXPECT_EQ(copies, 0) << optimizer;
  }
}

TEST(Trainer, MicroBatchesGiveTheWholeBatchsGradient) {
  std::vector<torch::Tensor> whole;
  for (const std::string micro : {"0", "16", "48"}) {
    const testing::TempDir folder;
    Experiment experiment = small_experiment(
        folder.path(), {"train.micro_batch=" + micro, "augment.mixup=0.8", "optim.name=sgd", "optim.lr=0.1"});
    Trainer trainer(experiment, make_run_folder(experiment), std::nullopt);
    experiment.model->train();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(trainer.train_step());
    const std::vector<torch::Tensor> weights = weights_of(*experiment.model);
    if (whole.empty()) whole = weights;
    for (std::size_t i = 0; i < weights.size(); ++i)
      EXPECT_TRUE(torch::allclose(weights[i], whole[i], 1e-4, 1e-6)) << micro;
  }
}

TEST(Trainer, ABadStepChangesNeitherWeightsNorStateNorRunningStatistics) {
  const testing::TempDir folder;
  Experiment experiment = small_experiment(
      folder.path(), {"model.norm=batch", "data.mean=[0,0,0]", "data.std=[1e-45,1e-45,1e-45]"});
  Trainer trainer(experiment, make_run_folder(experiment), std::nullopt);
  experiment.model->train();
  const std::vector<torch::Tensor> before = weights_of(*experiment.model);
  ASSERT_TRUE(trainer.train_step());
  const std::vector<torch::Tensor> after = weights_of(*experiment.model);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(torch::equal(before[i], after[i])) << i;
}

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
    if (row["kind"] != "eval") continue;
    EXPECT_GT(row["train_seconds"], seconds) << "also where no log step lies between";
    seconds = row["train_seconds"];
  }
  const SavedModel saved = open_saved_model(run, false);
  EXPECT_EQ(saved.state.step, experiment.total_steps());
  EXPECT_EQ(saved.state.classes, experiment.train_set->info().classes);
  EXPECT_EQ(saved.config.yaml(), experiment.config.yaml());
  const std::vector<torch::Tensor> a = weights_of(*saved.model), b = weights_of(*experiment.model);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i], b[i]));
}

TEST(Trainer, ATestSplitMayBeMissingWhereImagesAreHeldOutButNotBroken) {
  const testing::TempDir folder;
  testing::write_cifar10(folder / "raw", 10);
  const auto with = [&](const std::string& root, const std::string& holdout) {
    return small_experiment(folder.path(),
                            {"data.root=" + (folder / root).string(), "data.holdout=" + holdout});
  };
  PackOptions options;
  options.source = "cifar10";
  options.from = folder / "raw";
  options.to = folder / "pack";
  pack(options);
  EXPECT_NE(with("pack", "0.2").test_set, nullptr);
  for (const char* split : {"pack/train", "pack/test"})  // not trained and tested on one
    testing::error_of(ErrorKind::data, [&] { with(split, "0"); });
  std::filesystem::resize_file(folder / "pack/test/images.npy", 5000);
  testing::error_of(ErrorKind::data, [&] { with("pack", "0.2"); });
  std::filesystem::remove_all(folder / "pack/test");
  EXPECT_EQ(with("pack", "0.2").test_set, nullptr);
  testing::error_of(ErrorKind::data, [&] { with("pack", "0"); });
}

TEST(Trainer, EpochsEndWhereTheirLastImageIsTaken) {
  const testing::TempDir folder;
  Experiment experiment = small_experiment(folder.path());  // 200 images, batches of 64
  EXPECT_EQ(experiment.train_images(), 200);
  EXPECT_EQ(experiment.step_of_epoch(1), 4);
  EXPECT_EQ(experiment.step_of_epoch(2), 7);
  EXPECT_EQ(experiment.total_steps(), 10);
  for (const auto& [step, epochs] :
       std::vector<std::pair<int, int>>{{3, 0}, {4, 1}, {6, 1}, {7, 2}, {9, 2}, {10, 3}})
    EXPECT_EQ(experiment.epochs_at(step), epochs) << step;
}

}  // namespace
}  // namespace smlp
