// A training step on a CUDA device; skipped where there is none. The label is cuda.
#include <gtest/gtest.h>

#include "smlp/core/error.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/optim/lion.hpp"
#include "smlp/optim/registry.hpp"
#include "smlp/train/tensor_file.hpp"
#include "smlp/train/training_step.hpp"
#include "support/chosen.hpp"
#include "support/cuda.hpp"

namespace smlp {
namespace {

class CudaStep : public testing::CudaTest {};

Batch batch_number(std::int64_t step, std::int64_t images, const Device& device) {
  torch::manual_seed(100 + step);
  Batch batch{.images = torch::randn({images, 3, 8, 8}).to(device.torch),
              .labels = torch::randint(10, {images}).to(device.torch),
              .partners = {},
              .lambda = torch::tensor(0.75f).to(device.torch)};
  batch.partners = batch.labels.roll(1);
  return batch;
}

struct Trained {
  std::vector<double> losses;
  std::vector<torch::Tensor> weights;  // on the CPU
};

Trained train(const std::string& model_yaml, const std::string& optimizer_yaml, const DeviceConfig& config,
              std::int64_t micro_batch = 0, int steps = 10) {
  const Device device = open_device(config);
  torch::manual_seed(5);
  const auto model = build_model(testing::read_chosen<ModelConfig>(model_table(), model_yaml), 8, 10);
  model->to(device.torch);
  const auto optim = testing::read_chosen<OptimizerConfig>(optimizer_table(), optimizer_yaml);
  TrainingStep step(model, optim->build(group_parameters(*model, *optim.config)), device,
                    {.label_smoothing = 0.3, .clip_norm = 1, .micro_batch = micro_batch, .ema = 0.9});
  Trained result;
  for (int i = 0; i < steps; ++i) {
    const Batch batch = batch_number(i, 96, device);
    const auto sums = step(batch, i, 1 - 0.05 * i);
    result.losses.push_back(sums->loss.item<double>() / 96);
  }
  for (const CheckpointPart& part : step.parts())
    for (const auto& [name, tensor] : part.tensors) result.weights.push_back(tensor.detach().to(torch::kCPU));
  set_fused_kernels(true);
  return result;
}

const std::vector<std::string> models{
    "{name: b_mlp, depth: 2, width: 36}", "{name: s_mlp, depth: 3, width: 33}",
    "{name: b_mlp, depth: 2, width: 36, norm: batch}", "{name: b_mlp, depth: 2, width: 256}"};
const std::vector<std::string> optimizers{"{name: lion, lr: 1e-3, weight_decay: 0.1}", "{name: sgd, lr: 0.1}",
                                          "{name: adamw, lr: 1e-3}", "{name: schedule_free, lr: 1e-3}"};

void expect_equal(const Trained& a, const Trained& b, const std::string& what) {
  EXPECT_EQ(a.losses, b.losses) << what;
  for (std::size_t i = 0; i < a.weights.size(); ++i)
    EXPECT_TRUE(torch::equal(a.weights[i], b.weights[i])) << what << i;
}

void expect_close(const Trained& a, const Trained& b, double tolerance, const std::string& what) {
  for (std::size_t i = 0; i < a.losses.size(); ++i)
    EXPECT_NEAR(a.losses[i], b.losses[i], tolerance) << what << i;
}

TEST_F(CudaStep, LossesAreTheCpus) {
  for (const std::string& model : models)
    for (const std::string& optimizer : optimizers) {
      const Trained cpu =
          train(model, optimizer, {.type = DeviceType::cpu, .precision = Precision::fp32, .threads = 2});
      for (const auto& [precision, tolerance] :
           {std::pair{Precision::fp32, 2e-4}, {Precision::tf32, 5e-3}, {Precision::bf16, 3e-2}})
        expect_close(cpu, train(model, optimizer, {.type = DeviceType::cuda, .precision = precision}),
                     tolerance, model + optimizer + precision_name(precision));
    }
}

TEST_F(CudaStep, AReplayedGraphGivesTheBitsOfSingleLaunches) {
  for (const std::string& model : models)
    for (const std::string& optimizer : optimizers)
      for (const std::int64_t micro_batch : {0, 40})
        for (const Precision precision : {Precision::fp32, Precision::bf16}) {
          const auto with = [&, precision = precision](GraphUse graph) {
            return train(model, optimizer, {.type = DeviceType::cuda, .precision = precision, .graph = graph},
                         micro_batch);
          };
          expect_equal(with(GraphUse::on), with(GraphUse::off), model + optimizer);
        }
}

TEST_F(CudaStep, ABadStepOfAReplayedGraphChangesNothing) {
  const Device device =
      open_device({.type = DeviceType::cuda, .precision = Precision::bf16, .graph = GraphUse::on});
  torch::manual_seed(5);
  const auto model = build_model(testing::read_chosen<ModelConfig>(model_table(), models[2]), 8, 10);
  model->to(device.torch);
  const auto optim = testing::read_chosen<OptimizerConfig>(optimizer_table(), optimizers[0]);
  TrainingStep step(model, optim->build(group_parameters(*model, *optim.config)), device,
                    {.clip_norm = 1, .ema = 0.9});
  const auto state = [&] {
    std::vector<torch::Tensor> all;
    for (const CheckpointPart& part : step.parts())
      for (const auto& [name, tensor] : part.tensors) all.push_back(tensor.detach().to(torch::kCPU));
    return all;
  };
  for (int i = 0; i < 6; ++i) step(batch_number(i, 32, device), i, 1.0);
  const std::vector<torch::Tensor> before = state();
  Batch poisoned = batch_number(6, 32, device);
  poisoned.images[3][0][0][0] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(step(poisoned, 6, 1.0)->bad.item<float>(), 1);
  const std::vector<torch::Tensor> after = state();
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(torch::equal(before[i], after[i])) << i;
  EXPECT_EQ(step(batch_number(7, 32, device), 7, 1.0)->bad.item<float>(), 0);
}

// LION's kernel writes the bf16 copies that the next step computes with; whoever changes the weights between
// does not.
TEST_F(CudaStep, AReplayedGraphSeesWeightsThatWereChangedBetweenSteps) {
  const Device device =
      open_device({.type = DeviceType::cuda, .precision = Precision::bf16, .graph = GraphUse::on});
  torch::manual_seed(5);
  const auto model = build_model(testing::read_chosen<ModelConfig>(model_table(), models[0]), 8, 10);
  model->to(device.torch);
  const auto optim = testing::read_chosen<OptimizerConfig>(optimizer_table(), optimizers[0]);
  TrainingStep step(model, optim->build(group_parameters(*model, *optim.config)), device, {});
  std::vector<torch::Tensor> start;
  for (const torch::Tensor& each : model->parameters()) start.push_back(each.detach().clone());
  const auto loss = [&] { return step(batch_number(0, 32, device), 0, 1.0)->loss.item<float>(); };
  const float first = loss();
  for (int i = 0; i < 6; ++i) EXPECT_NE(loss(), first);
  for (std::size_t i = 0; i < start.size(); ++i) {
    const torch::NoGradGuard no_grad;
    torch::Tensor(model->parameters()[i]).copy_(start[i]);
  }
  EXPECT_EQ(loss(), first);
}

TEST_F(CudaStep, DropoutIsNotCapturedAndStaysRandom) {
  const std::string model = "{name: b_mlp, depth: 2, width: 36, dropout: 0.5}";
  const auto with = [&](GraphUse graph) {
    return train(model, optimizers[1],
                 {.type = DeviceType::cuda, .precision = Precision::fp32, .graph = graph});
  };
  expect_equal(with(GraphUse::automatic), with(GraphUse::off), model);
  EXPECT_THROW(with(GraphUse::on), Error);
}

TEST_F(CudaStep, FusedKernelsAreCloseToTorchs) {
  for (const std::string& optimizer : optimizers)
    for (const auto& [precision, tolerance] : {std::pair{Precision::fp32, 1e-6}, {Precision::bf16, 2e-2}}) {
      const auto with = [&, precision = precision](Kernels kernels) {
        return train(models[0], optimizer,
                     {.type = DeviceType::cuda, .precision = precision, .kernels = kernels});
      };
      expect_close(with(Kernels::fused), with(Kernels::torch), tolerance, optimizer);
    }
}

// Odd sizes, unaligned views, more tensors than one launch takes, a parameter without a gradient or without a
// bfloat16 copy, a step that is not finite.
TEST_F(CudaStep, LionsKernelGivesTheCpusBits) {
  torch::manual_seed(3);
  std::vector<Parameter> cpu, cuda;
  for (const std::int64_t size : {1, 3, 4, 4096, 4097, 12345, 100000})
    for (int i = 0; i < 10; ++i) {
      const torch::Tensor value = torch::randn({size + 1}).narrow(0, i % 2, size).contiguous();
      cpu.push_back({"p" + std::to_string(cpu.size()), value, 1e-3 * (1 + i), i % 3 == 0 ? 0.1 : 0.0});
      cuda.push_back(cpu.back());
      cuda.back().value = torch::empty({size + 1}, torch::kCUDA).narrow(0, i % 2, size).copy_(value);
    }
  Lion on_cpu(cpu, {0.9, 0.99}, Lion::Path::one_pass), on_cuda(cuda, {0.9, 0.99}, Lion::Path::kernel);
  const auto copies_for = [](const std::vector<Parameter>& parameters) {
    std::vector<torch::Tensor> copies;
    for (const Parameter& each : parameters) copies.push_back(each.value.to(torch::kBFloat16));
    copies[7].reset();
    return copies;
  };
  const std::vector<torch::Tensor> cpu_copies = copies_for(cpu), cuda_copies = copies_for(cuda);
  EXPECT_TRUE(on_cpu.write_copies(cpu_copies));
  EXPECT_TRUE(on_cuda.write_copies(cuda_copies));
  for (int step = 0; step < 4; ++step) {
    const auto type = step < 2 ? torch::kFloat32 : torch::kBFloat16;
    for (std::size_t i = 0; i < cpu.size(); ++i) {
      if (i == 5) continue;
      const torch::Tensor gradient = torch::randn_like(cpu[i].value).to(type);
      cpu[i].value.mutable_grad() = gradient.to(torch::kFloat32);
      cuda[i].value.mutable_grad() = gradient.to(torch::kCUDA);
    }
    const auto inputs = [&](const torch::Device& device) {
      const auto scalar = [&](float value) { return torch::tensor(value).to(device); };
      return StepInputs{scalar(0.7f), scalar(0.9f), scalar(step == 1)};
    };
    on_cpu.step(inputs(torch::kCPU));
    on_cuda.step(inputs(torch::kCUDA));
    for (std::size_t i = 0; i < cpu.size(); ++i) {
      EXPECT_TRUE(torch::equal(cpu[i].value, cuda[i].value.to(torch::kCPU))) << step << " " << i;
      const auto state = [&](const Lion& lion) {
        return lion.state().at(cpu[i].name).at("exp_avg").to(torch::kCPU);
      };
      EXPECT_TRUE(torch::equal(state(on_cpu), state(on_cuda)));
      if (i != 7) {
        EXPECT_TRUE(torch::equal(cpu_copies[i], cuda_copies[i].to(torch::kCPU))) << step << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace smlp
