#include "smlp/train/training_step.hpp"

#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <csignal>
#include <thread>

#include "smlp/batches/loader.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/optim/registry.hpp"
#include "smlp/train/tensor_file.hpp"
#include "support/step_bench.hpp"

namespace smlp {
namespace {

using testing::image_size;
using testing::random_batch;
using testing::small_mlp;
using Bench = testing::StepBench;

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

TEST(TrainingStep, NeitherSynchronisesNorCopies) {
  for (const std::string optimizer : {"lion", "sgd", "adamw", "schedule_free"}) {
    Bench bench(small_mlp, "{name: " + optimizer + "}",
                {.label_smoothing = 0.3, .clip_norm = 1, .micro_batch = 32, .ema = 0.9, .skip_zscore = 3});
    const Batch batch = random_batch(64, true);
    (*bench.step)(batch, 0, 1.0);  // makes what is made once
    synchronisations = copies = 0;
    const auto handle = at::addGlobalCallback(
        at::RecordFunctionCallback(enter_operator, leave_operator).scopes({at::RecordScope::FUNCTION}));
    (*bench.step)(batch, 1, 1.0);
    (*bench.step)(batch, 2, 0.5);
    at::removeCallback(handle);
    EXPECT_EQ(synchronisations, 0) << optimizer;
    EXPECT_EQ(copies, 0) << optimizer;
  }
}

std::string stop_at;                  // in the name of what runs when somebody asks to stop
std::atomic<int> products_since{-1};  // matrix products after that; -1: not asked yet

std::unique_ptr<at::ObserverContext> ask_to_stop(const at::RecordFunction& function) {
  const std::string name = function.name();
  if (name.find(stop_at) != std::string::npos && products_since < 0) products_since = 0, raise(SIGTERM);
  if (products_since >= 0 && (name == "aten::addmm" || name == "aten::mm")) ++products_since;
  return nullptr;
}

// On a CPU a step of a large batch takes minutes.
TEST(TrainingStep, AStopEndsAStepAtTheNextLayerAndChangesNothing) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto step_and_exit = [](const std::string& name, const std::string& model) {
    catch_stop_signals();
    stop_at = name;
    Bench bench(model, "{name: lion}");
    const std::vector<torch::Tensor> before = bench.weights();
    at::addGlobalCallback(at::RecordFunctionCallback(ask_to_stop)
                              .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
    const bool stopped = !(*bench.step)(random_batch(64), 0, 1.0);
    const std::vector<torch::Tensor> after = bench.weights();
    const bool same = std::equal(before.begin(), before.end(), after.begin(),
                                 [](const auto& a, const auto& b) { return torch::equal(a, b); });
    std::_Exit(stopped && same && products_since >= 0 && products_since < 4 ? 0 : 1);
  };
  const auto expect_stop = [&](const std::string& norm, const std::string& name) {
    const std::string model = "{name: b_mlp, depth: 6, width: 16, norm: " + norm + "}";
    EXPECT_EXIT(step_and_exit(name, model), ::testing::ExitedWithCode(0), "") << name << ", " << norm;
  };
  for (const char* name : {"aten::gelu", "aten::gelu_backward"}) expect_stop("batch", name);
  for (const char* name : {"aten::native_layer_norm", "ResidualMlp"}) expect_stop("layer", name);
}

TEST(TrainingStep, AStepOfEveryFamilyLowersTheLossOfItsBatch) {
  for (const ModelFamily& family : model_table()) {
    Bench bench(std::string("{name: ") + family.name + "}", "{name: sgd, lr: 1e-3, momentum: 0.0}",
                {.micro_batch = 16});
    const Batch batch = random_batch(16);
    const auto loss = [&](std::int64_t step) {
      return (*bench.step)(batch, step, 1.0).value().loss.item<double>();
    };
    const double before = loss(0);
    EXPECT_LT(loss(1), before) << family.name;
  }
}

TEST(TrainingStep, TellsTheGradientsNormBeforeClipping) {
  for (const double clip : {0.0, 1e-3}) {
    Bench bench(small_mlp, "{name: sgd, lr: 1e-9}", {.clip_norm = clip, .micro_batch = 16});
    const Batch batch = random_batch(64);
    bench.model->train();
    torch::nn::functional::cross_entropy(bench.model->forward(batch.images), batch.labels).backward();
    double squares = 0;
    for (const torch::Tensor& each : bench.model->parameters())
      squares += each.grad().square().sum().item<double>();
    const auto sums = (*bench.step)(batch, 0, 1.0);
    EXPECT_NEAR(sums->grad_norm.item<double>(), std::sqrt(squares), 1e-5 * std::sqrt(squares));
  }
}

TEST(TrainingStep, MicroBatchesGiveTheWholeBatchsGradient) {
  std::vector<torch::Tensor> whole;
  for (const std::int64_t micro : {0, 16, 48}) {
    Bench bench(small_mlp, "{name: sgd, lr: 0.1}",
                {.label_smoothing = 0.3, .clip_norm = 1, .micro_batch = micro});
    for (int i = 0; i < 3; ++i) ASSERT_TRUE((*bench.step)(random_batch(64, true), i, 1.0));
    const std::vector<torch::Tensor> weights = bench.weights();
    if (whole.empty()) whole = weights;
    for (std::size_t i = 0; i < weights.size(); ++i)
      EXPECT_TRUE(torch::allclose(weights[i], whole[i], 1e-4, 1e-6)) << micro;
  }
}

TEST(TrainingStep, ABadStepChangesNeitherWeightsNorStateNorRunningStatistics) {
  Bench bench("{name: b_mlp, depth: 2, width: 16, norm: batch}", "{name: lion}",
              {.clip_norm = 1, .ema = 0.9, .skip_zscore = 3});
  ASSERT_TRUE((*bench.step)(random_batch(16), 0, 1.0));
  std::vector<torch::Tensor> before = bench.weights();
  for (const CheckpointPart& part : bench.step->parts())
    for (const auto& [name, tensor] : part.tensors) before.push_back(tensor.detach().clone());
  Batch poisoned = random_batch(16);
  poisoned.images[3][0][0][0] = std::numeric_limits<float>::infinity();
  const auto sums = (*bench.step)(poisoned, 1, 1.0);
  ASSERT_TRUE(sums);
  EXPECT_EQ(sums->bad.item<float>(), 1);
  std::vector<torch::Tensor> after = bench.weights();
  for (const CheckpointPart& part : bench.step->parts())
    for (const auto& [name, tensor] : part.tensors) after.push_back(tensor);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(torch::allclose(before[i], after[i], 0, 0, /*equal_nan=*/true)) << i;
}

TEST(TrainingStep, SumsAreThoseOfItsImages) {
  Bench bench(small_mlp, "{name: sgd, lr: 0.0}");
  const Batch batch = random_batch(32);
  const auto sums = (*bench.step)(batch, 0, 1.0);
  ASSERT_TRUE(sums);
  const torch::NoGradGuard no_grad;
  const torch::Tensor logits = bench.model->forward(batch.images);
  const torch::Tensor loss = at::cross_entropy_loss(logits, batch.labels, {}, at::Reduction::Sum);
  EXPECT_NEAR(sums->loss.item<float>(), loss.item<float>(), 1e-3);
  EXPECT_EQ(sums->right.item<std::int64_t>(), (logits.argmax(1) == batch.labels).sum().item<std::int64_t>());
  EXPECT_EQ(sums->images, 32);
  EXPECT_EQ(sums->bad.item<float>(), 0);
}

double mean_loss(const std::string& model, Precision precision, bool fused, std::int64_t micro_batch = 0,
                 int steps = 8, const std::string& optimizer = "{name: lion, lr: 1e-3}") {
  set_fused_kernels(fused);
  Bench bench(model, optimizer, {.label_smoothing = 0.3, .clip_norm = 1, .micro_batch = micro_batch},
              std::make_shared<World>(), precision);
  double loss = 0;
  for (int i = 0; i < steps; ++i)
    loss += (*bench.step)(random_batch(64, true), i, 1.0)->loss.item<double>() / 64;
  set_fused_kernels(true);
  for (const torch::Tensor& weight : bench.weights())
    EXPECT_NE(weight.scalar_type(), torch::kBFloat16) << "what is trained and saved stays float32";
  return loss / steps;
}

TEST(TrainingStep, AHundredStepsWithFunctionsOfOurOwnTrainAsLibTorchsOperationsDo) {
  for (const std::string model : {"{name: b_mlp, depth: 3, width: 24}", "{name: s_mlp, depth: 2, width: 16}"})
    EXPECT_NEAR(mean_loss(model, Precision::fp32, true, 0, 100),
                mean_loss(model, Precision::fp32, false, 0, 100), 1e-3)
        << model;
}

TEST(TrainingStep, Bf16WeightsTrainAsFloat32AndAutocastDo) {
  for (const std::string& model : {small_mlp, std::string("{name: s_mlp, depth: 2, width: 16}"),
                                   std::string("{name: b_mlp, depth: 2, width: 16, norm: batch}")}) {
    const double float32 = mean_loss(model, Precision::fp32, true),
                 bf16 = mean_loss(model, Precision::bf16, true),
                 autocast = mean_loss(model, Precision::bf16, false);
    EXPECT_NEAR(bf16, float32, 0.01) << model;
    EXPECT_NEAR(bf16, autocast, 0.01) << model;
    EXPECT_NE(bf16, float32) << model;
  }
}

TEST(TrainingStep, EveryOptimizerTrainsWithBf16Weights) {
  for (const FamilyRow<OptimizerConfig>& row : optimizer_table()) {
    const auto with = [&](Precision precision) {
      return mean_loss(small_mlp, precision, true, 0, 8, "{name: " + std::string(row.name) + ", lr: 1e-3}");
    };
    const double float32 = with(Precision::fp32), bf16 = with(Precision::bf16);
    EXPECT_NEAR(bf16, float32, 0.01) << row.name;
    EXPECT_NE(bf16, float32) << row.name;
  }
}

// The optimiser writes the copies that the next step computes with; whoever changes the weights between does
// not.
TEST(TrainingStep, Bf16StepsSeeWeightsThatWereChangedBetweenThem) {
  const auto make = [] {
    return Bench(small_mlp, "{name: lion, lr: 1e-2}", {}, std::make_shared<World>(), Precision::bf16);
  };
  const auto loss = [](Bench& bench) { return (*bench.step)(random_batch(32), 0, 1.0)->loss.item<float>(); };
  Bench bench = make(), restored = make();
  const std::vector<torch::Tensor> start = restored.weights();
  const float first = loss(restored), second = loss(restored);
  EXPECT_NE(first, second);
  std::size_t i = 0;
  for (const auto& [name, tensor] : named_tensors(*restored.model)) {
    const torch::NoGradGuard no_grad;
    torch::Tensor(tensor).copy_(start[i++]);
  }
  EXPECT_EQ(loss(restored), loss(bench));
  EXPECT_EQ(loss(bench), second);
}

// Sums of bfloat16 gradients would lose what 64 small shares add up to.
TEST(TrainingStep, MicroBatchesOfBf16AreAddedUpInFloat32) {
  const auto gradient = [](std::int64_t micro_batch) {
    Bench bench(small_mlp, "{name: sgd, lr: 1.0, momentum: 0.0, nesterov: false}",
                {.micro_batch = micro_batch}, std::make_shared<World>(), Precision::bf16);
    const std::vector<torch::Tensor> before = bench.weights();
    (*bench.step)(random_batch(64), 0, 1.0);
    return before[0] - bench.weights()[0];
  };
  const torch::Tensor whole = gradient(0), parts = gradient(1);
  EXPECT_LT(((parts - whole).norm() / whole.norm()).item<double>(), 4e-3);
}

// A probe's body stays in evaluation mode without gradients, whether it is run or its features are given.
TEST(TrainingStep, AFrozenBodyIsLeftAsItIs) {
  const std::string probe =
      "{name: sgd, lr: 0.1, groups: [{match: 'linear_out.*'}, {match: '*', freeze: true}]}";
  const std::string normed = "{name: b_mlp, depth: 2, width: 16, norm: batch, dropout: 0.5}";
  Bench images(normed, probe), features(normed, probe);
  EXPECT_TRUE(images.step->body_frozen());
  const Batch batch = random_batch(16);
  Batch given = batch;
  {
    const torch::NoGradGuard no_grad;
    features.model->eval();
    given.images = features.model->features(batch.images);
  }
  const std::vector<torch::Tensor> before = images.weights();
  ASSERT_TRUE((*images.step)(batch, 0, 1.0));
  ASSERT_TRUE((*features.step)(given, 0, 1.0));
  EXPECT_FALSE(images.model->is_training());
  const std::vector<torch::Tensor> a = images.weights(), b = features.weights();
  int changed = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::equal(a[i], b[i])) << i;
    changed += !torch::equal(a[i], before[i]);
  }
  EXPECT_EQ(changed, 2) << "the head's weight and bias";
}

TEST(TrainingStep, ABatchOfOtherStepsOrSeedsDropsOthers) {
  const std::string dropping = "{name: b_mlp, depth: 1, width: 32, dropout: 0.5}";
  const auto loss = [&](std::uint64_t seed, std::int64_t step) {
    Bench bench(dropping, "{name: sgd, lr: 0.0}", {.seed = seed});
    return (*bench.step)(random_batch(16), step, 1.0)->loss.item<float>();
  };
  EXPECT_EQ(loss(1, 4), loss(1, 4));
  EXPECT_NE(loss(1, 4), loss(1, 5));
  EXPECT_NE(loss(1, 4), loss(2, 4));
}

// Two ranks as two threads that meet at every sum.
class ThreadWorld : public World {
 public:
  struct Meeting {
    std::barrier<> barrier{2};
    std::vector<torch::Tensor> parts[2];
    bool flags[2] = {false, false};
  };
  ThreadWorld(std::shared_ptr<Meeting> meeting, int rank) : meeting_(std::move(meeting)), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return 2; }
  void sum(const std::vector<torch::Tensor>& tensors) override {
    const torch::NoGradGuard no_grad;
    meeting_->parts[rank_].clear();
    for (const torch::Tensor& tensor : tensors) meeting_->parts[rank_].push_back(tensor.detach().clone());
    meeting_->barrier.arrive_and_wait();
    for (std::size_t i = 0; i < tensors.size(); ++i)
      torch::Tensor(tensors[i]).copy_(meeting_->parts[0][i] + meeting_->parts[1][i]);
    meeting_->barrier.arrive_and_wait();
  }
  bool any(bool flag) override {
    meeting_->flags[rank_] = flag;
    meeting_->barrier.arrive_and_wait();
    const bool set = meeting_->flags[0] || meeting_->flags[1];
    meeting_->barrier.arrive_and_wait();
    return set;
  }

 private:
  std::shared_ptr<Meeting> meeting_;
  int rank_;
};

TEST(TrainingStep, TwoRanksWithHalfABatchEachTakeTheWholeBatchsStep) {
  const std::string sgd = "{name: sgd, lr: 0.1}";
  const TrainingStep::Options options{.label_smoothing = 0.3, .clip_norm = 1};
  const Batch batch = random_batch(32, true);
  Bench alone(small_mlp, sgd, options);
  const auto expected = (*alone.step)(batch, 0, 1.0);

  const auto meeting = std::make_shared<ThreadWorld::Meeting>();
  std::vector<std::unique_ptr<Bench>> ranks;
  for (int rank = 0; rank < 2; ++rank)
    ranks.push_back(
        std::make_unique<Bench>(small_mlp, sgd, options, std::make_shared<ThreadWorld>(meeting, rank)));
  std::optional<StepSums> sums[2];
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 2; ++rank)
    threads.emplace_back([&, rank] {
      const Batch half{.images = batch.images.narrow(0, 16 * rank, 16),
                       .labels = batch.labels.narrow(0, 16 * rank, 16),
                       .partners = batch.partners.narrow(0, 16 * rank, 16),
                       .lambda = batch.lambda};
      sums[rank] = (*ranks[rank]->step)(half, 0, 1.0);
    });
  for (std::thread& thread : threads) thread.join();
  for (int rank = 0; rank < 2; ++rank) {
    EXPECT_EQ(sums[rank]->images, 32);
    EXPECT_NEAR(sums[rank]->loss.item<float>(), expected->loss.item<float>(), 1e-3);
    EXPECT_EQ(sums[rank]->right.item<std::int64_t>(), expected->right.item<std::int64_t>());
    const std::vector<torch::Tensor> a = alone.weights(), b = ranks[rank]->weights();
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::allclose(a[i], b[i], 1e-5, 1e-6)) << i;
  }
}

}  // namespace
}  // namespace smlp
