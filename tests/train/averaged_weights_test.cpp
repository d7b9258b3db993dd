// What a training step keeps beside the weights: their averages, and the norms that tell a spike.
#include "smlp/train/averaged_weights.hpp"

#include <gtest/gtest.h>

#include <set>

#include "support/step_bench.hpp"

namespace smlp {
namespace {

using testing::image_size;
using testing::random_batch;
using testing::small_mlp;
using Bench = testing::StepBench;

TEST(AveragedWeights, FollowWeightsAndStatisticsAndStandInForThemWhileAsked) {
  const std::string model = "{name: b_mlp, depth: 2, width: 16, norm: batch}";
  Bench bench(model, "{name: lion, lr: 1e-2}", {.ema = 0.3}), other(model, "{name: lion}");
  const auto average = [&](std::int64_t step) { return std::min(0.3, (1.0 + step) / (10.0 + step)); };
  std::vector<torch::Tensor> expected = bench.weights();
  for (std::int64_t step = 0; step < 6; ++step) {
    ASSERT_TRUE((*bench.step)(random_batch(16), step, 1.0));
    const std::vector<torch::Tensor> now = bench.weights();
    for (std::size_t i = 0; i < now.size(); ++i)
      expected[i] =
          now[i].is_floating_point() ? average(step) * expected[i] + (1 - average(step)) * now[i] : now[i];
  }
  const CheckpointPart part = bench.step->averages()->part();
  ASSERT_EQ(part.tensors.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(torch::allclose(part.tensors[i].second, expected[i], 1e-5, 1e-7)) << part.tensors[i].first;

  const torch::NoGradGuard no_grad;
  const NamedTensors others = named_tensors(*other.model);
  for (std::size_t i = 0; i < expected.size(); ++i) others[i].second.copy_(part.tensors[i].second);
  bench.model->eval(), other.model->eval();
  const torch::Tensor images = random_batch(16).images, trained = bench.model->forward(images);
  {
    const LentValues lent = bench.step->averages()->in_place();
    EXPECT_TRUE(torch::equal(bench.model->forward(images), other.model->forward(images)));
  }
  EXPECT_TRUE(torch::equal(bench.model->forward(images), trained));
  EXPECT_FALSE(torch::allclose(other.model->forward(images), trained));
}

// Batches of noisy images of ten patterns under labels that are often wrong; those of `spikes` are ten times
// as bright, so that their gradient is larger still. The loss of clean images at the end.
double loss_after_spikes(double skip_zscore, const std::set<std::int64_t>& spikes, std::int64_t* left_out) {
  Bench bench(small_mlp, "{name: sgd, lr: 0.005, momentum: 0.9}", {.skip_zscore = skip_zscore});
  torch::manual_seed(11);
  const torch::Tensor patterns = torch::randn({10, 3, image_size, image_size});
  const auto batch = [&](std::int64_t images, double brightness) {
    const torch::Tensor classes = torch::randint(10, {images}), any = torch::randint(10, {images});
    const torch::Tensor labels = torch::where(torch::rand({images}) < 0.7, classes, any);
    return Batch{
        .images = 0.25 * brightness *
                  (patterns.index_select(0, classes) + 4 * torch::randn({images, 3, image_size, image_size})),
        .labels = labels,
        .partners = {},
        .lambda = {}};
  };
  for (std::int64_t step = 0; step < 700; ++step) {
    const auto sums = (*bench.step)(batch(32, spikes.contains(step) ? 10 : 1), step, 1.0);
    if (sums->skipped.defined() && sums->skipped.item<float>() != 0) *left_out += 1;
  }
  bench.model->eval();
  const torch::NoGradGuard no_grad;
  const Batch test = batch(2000, 1);
  return at::cross_entropy_loss(bench.model->forward(test.images), test.labels).item<double>();
}

TEST(TrainingStep, WithTwentySpikesItEndsAtTheCleanLossWhereThoseAreLeftOut) {
  std::set<std::int64_t> spikes;
  for (std::int64_t i = 0; i < 20; ++i) spikes.insert(150 + 27 * i);
  std::int64_t none = 0, left_out = 0;
  const double clean = loss_after_spikes(0, {}, &none);
  const double guarded = loss_after_spikes(3, spikes, &left_out), hit = loss_after_spikes(0, spikes, &none);
  EXPECT_GE(left_out, 15);  // those that others in the window hide do little harm
  EXPECT_LE(left_out, 40);
  EXPECT_NEAR(guarded, clean, 0.01 * clean) << hit;
  EXPECT_GT(hit, 1.02 * clean);
}

}  // namespace
}  // namespace smlp
