#include "smlp/train/experiment.hpp"

#include <gtest/gtest.h>

#include "smlp/pack/pack.hpp"
#include "smlp/train/run_cost.hpp"
#include "support/errors.hpp"
#include "support/experiments.hpp"
#include "support/raw_data.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::small_experiment;

TEST(Experiment, ATestSplitMayBeMissingWhereImagesAreHeldOutButNotBroken) {
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

TEST(Experiment, NormalisationComesFromValuesFamilyOrPack) {
  DatasetInfo info;
  info.family = "cifar";
  info.statistics = {{0.1, 0.2, 0.3}, {1, 1, 1}};
  DataConfig config;
  EXPECT_EQ(resolve_normalization(config, info).mean[0], 0.4914);
  config.normalize = "imagenet";
  EXPECT_EQ(resolve_normalization(config, info).mean[0], 0.485);
  config.normalize = "pack";
  EXPECT_EQ(resolve_normalization(config, info).mean[0], 0.1);
  config.normalize = "auto";
  info.family = "";
  EXPECT_EQ(resolve_normalization(config, info).mean[0], 0.1);
  config.mean = config.std = {0.5, 0.5, 0.5};
  EXPECT_EQ(resolve_normalization(config, info).mean[0], 0.5);
}

// Else a body that was trained with the head of that seed knows it, and a new head seems to have learnt.
TEST(Experiment, ANewHeadIsNotTheOneThatItsCheckpointBeganWith) {
  const testing::TempDir folder;
  Experiment before = small_experiment(folder.path()), after = small_experiment(folder.path());
  after.config.init.from = "a checkpoint";
  build_model(before), build_model(after);
  const auto head = [](const Experiment& e) {
    for (const auto& each : e.model->named_parameters())
      if (each.key().starts_with(e.model->head_prefix()) && each.value().dim() == 2) return each.value();
    return torch::Tensor();
  };
  EXPECT_LT((head(before) * head(after)).sum().abs().item<double>(),
            0.5 * head(before).norm().item<double>() * head(after).norm().item<double>());
}

TEST(Experiment, AutoIsResolvedAnewForANewRunAndKeptByOneThatGoesOn) {
  const testing::TempDir folder;
  const ResolvedConfig before{DeviceType::cpu, Precision::fp32, 3, {0.1, 0.2, 0.3}, {0.4, 0.5, 0.6}};
  const auto make = [&](Resolve resolve) {
    RunConfig config = testing::small_config(folder.path(), {"device.precision=auto", "data.workers=-1"});
    config.resolved = before;
    return make_experiment(std::move(config), std::make_shared<World>(), resolve);
  };
  const Experiment kept = make(Resolve::as_before), anew = make(Resolve::anew);
  EXPECT_EQ(kept.normalization.mean, before.mean);
  EXPECT_EQ(kept.device.precision, Precision::fp32);
  EXPECT_EQ(anew.normalization.mean, anew.train_set->info().statistics.mean);
  for (const Experiment* e : {&kept, &anew}) {
    EXPECT_TRUE(e->config.data.mean.empty() && e->config.device.precision == Precision::automatic)
        << "what was asked stays";
    EXPECT_EQ(e->config.resolved->mean, e->normalization.mean);
    EXPECT_EQ(e->config.resolved->precision, e->device.precision);
  }
  EXPECT_EQ(resolved_anew(kept.config, before, before), "");
  EXPECT_NE(resolved_anew(anew.config, before, *anew.config.resolved).find("there mean 0.1 0.2 0.3"),
            std::string::npos);
}

TEST(RunCost, IsComparedWithTheMemoryThereBeforeTheModelIsBuilt) {
  const testing::TempDir folder;
  Experiment e = plan_experiment(testing::small_config(
      folder.path(), {"model.width=256", "train.batch_size=4096", "train.micro_batch=0"}));
  const MemoryNeed need = memory_need(e);
  const double all = need.on_device() + need.batches_on_host + need.checkpoint, rest = all - need.activations;
  const auto judge = [&](double total, double available) {
    return judge_memory(e, {.total = total, .available = available}, 0);
  };
  EXPECT_EQ(judge(all, all).text, "");
  EXPECT_TRUE(judge(all, all / 2).fits);
  EXPECT_NE(judge(all, rest + need.activations / 3).text.find("free now: --set train.micro_batch=1024 would"),
            std::string::npos)
      << judge(all, rest + need.activations / 3).text;
  EXPECT_FALSE(judge(all - 1, all - 1).fits);
  EXPECT_NE(judge(rest / 2, rest / 2).text.find("smaller model"), std::string::npos);

  build_model(e);
  EXPECT_EQ(memory_need(e).on_device(), need.on_device()) << "the forecast is that of what is built";
}

TEST(RunCost, CountsWhatIsTrained) {
  const testing::TempDir folder;
  const Experiment whole = small_experiment(folder.path(), {"optim.name=adamw"});
  const RunCost cost = run_cost(whole);
  EXPECT_EQ(cost.images, 640);  // ten steps of 64
  std::int64_t weights = 0;
  for (const auto& [name, tensor] : named_tensors(*whole.model)) weights += tensor.nbytes();
  EXPECT_EQ(cost.weights, static_cast<double>(weights));
  EXPECT_EQ(cost.gradients, cost.weights);
  EXPECT_EQ(cost.optimizer, 2 * cost.weights);
  EXPECT_EQ(cost.training_macs, 3 * cost.forward_macs * cost.images);

  // A frozen body is run once an image and epoch, or once an image where its features are kept.
  const std::vector<std::string> probe{"optim.groups=[{match: 'linear_out.*'}, {match: '*', freeze: true}]",
                                       "augment.crop=null", "augment.mixup=0.0"};
  std::vector<std::string> flipped = probe, plain = probe;
  flipped.push_back("augment.flip=0.5");
  plain.push_back("augment.flip=0.0");
  const double head = 16 * 10, body = cost.forward_macs - head;
  EXPECT_EQ(run_cost(small_experiment(folder.path(), flipped)).training_macs, (body + 3 * head) * 640);
  EXPECT_EQ(run_cost(small_experiment(folder.path(), plain)).training_macs, body * 200 + 3 * head * 640);
}

}  // namespace
}  // namespace smlp
