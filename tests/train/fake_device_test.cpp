// Training and evaluation on a device that is not the CPU, on every machine: nothing is left on the host, no
// step waits for the device, and what comes of it are the CPU's bits.
#include "support/fake_device.hpp"

#include <gtest/gtest.h>

#include <set>

#include "smlp/device/fused.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/run_folder.hpp"
#include "smlp/train/shifts.hpp"
#include "smlp/train/trainer.hpp"
#include "smlp/train/tta.hpp"
#include "support/experiments.hpp"
#include "support/golden_tensors.hpp"
#include "support/step_bench.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::fake_device;
using testing::fake_device_use;
using testing::FakeDeviceUse;
using testing::small_mlp;
using testing::StepBench;

// The CPU's own kernels round otherwise than LibTorch's operations, which are what the device has.
class FakeDevice : public ::testing::Test {
 protected:
  FakeDevice() { set_fused_kernels(false); }
  ~FakeDevice() override { set_fused_kernels(true); }

  static Device device(Precision precision = Precision::fp32) {
    return {.torch = fake_device(), .precision = precision, .description = "a second device"};
  }
};

Batch random_batch(std::int64_t images, int size, int seed) {
  torch::manual_seed(seed);
  Batch batch{.images = torch::randn({images, 3, size, size}),
              .labels = torch::randint(10, {images}),
              .partners = {},
              .lambda = torch::tensor(0.75f)};
  batch.partners = batch.labels.roll(1);
  return batch;
}

Batch to(const c10::Device& device, Batch batch) {
  for (torch::Tensor* each : {&batch.images, &batch.labels, &batch.partners, &batch.lambda})
    *each = each->to(device);
  return batch;
}

struct Trained {
  std::vector<torch::Tensor> tensors;  // losses, and all that a checkpoint would hold
  std::vector<FakeDeviceUse> uses;     // of the device, step by step
};

Trained train(StepBench& bench, const c10::Device& device, int size, int steps) {
  Trained trained;
  for (int i = 0; i < steps; ++i) {
    const Batch batch = to(device, random_batch(12, size, 100 + i));
    const FakeDeviceUse before = fake_device_use();
    const auto sums = (*bench.step)(batch, i, 1 - 0.1 * i);
    trained.uses.push_back(fake_device_use() - before);
    trained.tensors.push_back(sums->loss.cpu());
  }
  for (const CheckpointPart& part : bench.step->parts())
    for (const auto& [name, tensor] : part.tensors) trained.tensors.push_back(tensor.detach().cpu());
  return trained;
}

// But for rounding: rates that multiply are numbers there and double-precision ones here.
void expect_close(const Trained& there, const Trained& here, const std::string& what,
                  double absolute = 1e-5) {
  ASSERT_EQ(there.tensors.size(), here.tensors.size());
  for (std::size_t i = 0; i < here.tensors.size(); ++i)
    EXPECT_TRUE(torch::allclose(there.tensors[i], here.tensors[i], 1e-4, absolute, /*equal_nan=*/true))
        << what << ", tensor " << i << ": "
        << (there.tensors[i] - here.tensors[i]).abs().max().item<double>();
}

TEST_F(FakeDevice, RefusesWhatARealOneWould) {
  const torch::Tensor there = torch::ones({3}, torch::TensorOptions().device(fake_device()));
  EXPECT_EQ((there + 1).sum().item<float>(), 6);
  EXPECT_THROW(there + torch::ones({3}), c10::Error);
  const FakeDeviceUse before = fake_device_use();
  EXPECT_EQ((there * 2).cpu()[0].item<float>(), 2);
  const FakeDeviceUse use = fake_device_use() - before;
  EXPECT_EQ(use.operations, 1);
  EXPECT_EQ(use.to_host, 1);
}

TEST_F(FakeDevice, EveryModelTrainsAsOnTheCpu) {
  for (const char* file : {"models.safetensors", "timm.safetensors"})
    for (const testing::GoldenTensors golden(file); const auto& [name, yaml] : golden.configs()) {
      const int size = static_cast<int>(golden[name + "/images"].size(3));
      const auto with = [&, &yaml = yaml](const Device& on) {
        StepBench bench(yaml, "{name: sgd, lr: 0.1}", {.label_smoothing = 0.1}, std::make_shared<World>(),
                        Precision::fp32, on, size);
        return train(bench, on.torch, size, 2);
      };
      const Trained there = with(device());
      expect_close(there, with({}), name);
      EXPECT_EQ(there.uses[1].to_host, 0) << name;
    }
}

TEST_F(FakeDevice, EveryOptimizerTrainsAsOnTheCpuAndNeverWaits) {
  const TrainingStep::Options options{
      .label_smoothing = 0.3, .clip_norm = 1, .micro_batch = 5, .ema = 0.9, .skip_zscore = 3};
  for (const FamilyRow<OptimizerConfig>& row : optimizer_table()) {
    const auto with = [&](const Device& on) {
      StepBench bench("{name: b_mlp, depth: 2, width: 16, norm: batch}",
                      fmt::format("{{name: {}, lr: 1e-3, weight_decay: 0.1}}", row.name), options,
                      std::make_shared<World>(), Precision::fp32, on);
      return train(bench, on.torch, testing::image_size, 6);
    };
    const Trained there = with(device());
    // Muon's products are in bfloat16: a rounding may go the other way.
    expect_close(there, with({}), row.name, std::string(row.name) == "muon" ? 1e-3 : 1e-5);
    for (std::size_t i = 2; i < there.uses.size(); ++i) {
      EXPECT_EQ(there.uses[i].to_host, 0) << row.name;
      EXPECT_LE(there.uses[i].to_device, 2) << row.name;
      EXPECT_EQ(there.uses[i].operations, there.uses[2].operations)
          << row.name << ": it grows with the steps";
    }
  }
}

// As the program makes it: crops, flips, MixUp, clipping, averages, a held-out part, evaluations,
// checkpoints.
class FakeDeviceRun : public FakeDevice {
 protected:
  Experiment experiment(const Device& on) const {
    Experiment e = plan_experiment(testing::small_config(
        folder_.path(), {"augment={crop: {scale: [0.5, 1]}, flip: 0.5, mixup: 0.8}", "train.ema=0.9",
                         "optim.clip_norm=1", "data.holdout=0.2", "checkpoint.keep_epochs=[1]"}));
    e.device.torch = on.torch;
    build_model(e);
    return e;
  }
  testing::TempDir folder_;
};

TEST_F(FakeDeviceRun, EndsWhereTheCpusEnds) {
  Experiment here = experiment({}), there = experiment(device());
  const TrainResult on_cpu = Trainer(here, make_run_folder(here), std::nullopt).run(),
                    on_device = Trainer(there, make_run_folder(there), std::nullopt).run();
  EXPECT_NEAR(on_device.last->loss, on_cpu.last->loss, 1e-5);
  EXPECT_EQ(on_device.last->top1, on_cpu.last->top1);
  EXPECT_EQ(on_device.best.epoch, on_cpu.best.epoch);
}

TEST_F(FakeDeviceRun, GetsABatchInTwoCopies) {
  const Experiment e = experiment(device());
  BatchLoader loader(training_images(e), 0, 3, 0, 1, e.device.torch);
  for (int step = 0; step < 3; ++step) {
    const FakeDeviceUse before = fake_device_use();
    const Batch batch = loader.next();
    EXPECT_EQ((fake_device_use() - before).to_device, 2);
    EXPECT_EQ(batch.partners.device(), e.device.torch);
  }
}

TEST_F(FakeDeviceRun, EvaluatesAndSolvesForAHeadAsOnTheCpu) {
  const auto results = [&](const Device& on) {
    Experiment e = plan_experiment(testing::small_config(
        folder_.path(),
        {"augment={crop: null, flip: 0, mixup: 0}", "train.method=ridge", "train.epochs=1",
         "data.cache_features=true", "optim.groups=[{match: head}, {match: \"*\", freeze: true}]"}));
    e.device.torch = on.torch;
    build_model(e);
    const EvaluationOptions options{.image_size = 32, .batch_size = 500, .workers = 0};
    const auto crops =
        evaluate_crops(*e.model, e.device, e.test_set, e.normalization, options, {.crops = 3, .augment = {}});
    const auto shifts = evaluate_shifts(*e.model, e.device, e.test_set, e.normalization, options, 1);
    const TrainResult probe = Trainer(e, make_run_folder(e), std::nullopt).run();
    return std::vector<double>{crops->back().result.loss, shifts->back().padded.agreement, probe.last->top1};
  };
  const std::vector<double> here = results({}), there = results(device());
  for (std::size_t i = 0; i < here.size(); ++i) EXPECT_NEAR(there[i], here[i], 0.05) << i;
}

TEST_F(FakeDeviceRun, GoesOnToTheSameBits) {
  Experiment whole = experiment(device()), second = experiment(device());
  const std::filesystem::path run = make_run_folder(whole), copy = folder_ / "copy";
  Trainer(whole, run, std::nullopt).run();
  std::filesystem::copy(
      run, copy, std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  const std::filesystem::path last = "checkpoints/last";
  std::filesystem::remove(copy / last);
  std::set<std::filesystem::path> kept;
  for (const auto& entry : std::filesystem::directory_iterator(copy / "checkpoints"))
    kept.insert(entry.path());
  kept.erase(copy / "checkpoints/best");
  Trainer(second, copy, *kept.begin()).run();
  for (const char* part : {"model.safetensors", "optimizer.safetensors"})
    EXPECT_EQ(read_file(run / last / part, 1 << 24), read_file(copy / last / part, 1 << 24)) << part;
}

}  // namespace
}  // namespace smlp
