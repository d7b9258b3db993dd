#include "smlp/nn/residual_mlp.hpp"

#include <gtest/gtest.h>

#include "nn/residual_block.hpp"
#include "smlp/core/stopwatch.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/device/vector_code.hpp"
#include "support/cuda.hpp"

namespace smlp {
namespace {

using testing::relative_distance;
using testing::ResidualBlock;

class ResidualMlpTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }
  void TearDown() override {
    set_vector_code(vector_codes().back());
    at::set_num_threads(threads_);
  }
  int threads_ = at::get_num_threads();
};

TEST_F(ResidualMlpTest, EveryVectorCodeGivesTheResultsAndGradientsOfFloat64) {
  for (const VectorCode code : vector_codes())
    for (const std::int64_t width : {5, 64, 200})
      for (const std::int64_t rows : {1, 7, 65, 1500})
        for (const auto& [type, tolerance] : {std::pair{torch::kFloat32, 2e-6}, {torch::kBFloat16, 2e-2}}) {
          set_vector_code(code);
          ResidualBlock block(width);
          const torch::Tensor z = 3 * torch::randn({rows, width}), upstream = torch::randn({rows, width});
          block.to(torch::kCPU, type, torch::kFloat32);
          const auto fused = block.results(z.to(type), upstream.to(type));
          block.to(torch::kCPU, torch::kFloat64);
          const auto plain =
              block.results(z.to(type).to(torch::kFloat64), upstream.to(type).to(torch::kFloat64));
          for (std::size_t i = 0; i < plain.size(); ++i)
            EXPECT_LT(relative_distance(fused[i], plain[i]), tolerance)
                << vector_code_name(code) << ", width " << width << ", rows " << rows << ", tensor " << i
                << ", " << torch::toString(type);
          const torch::NoGradGuard no_grad;
          block.to(torch::kCPU, type, torch::kFloat32);
          EXPECT_TRUE(torch::equal(residual_mlp(z.to(type), *block.norm, *block.stack), fused[0]));
        }
}

TEST_F(ResidualMlpTest, ItsBitsDoNotDependOnTheThreads) {
  ResidualBlock block(96);
  const torch::Tensor z = torch::randn({700, 96}), upstream = torch::randn({700, 96});
  at::set_num_threads(1);
  const auto alone = block.results(z, upstream);
  at::set_num_threads(3);
  const auto together = block.results(z, upstream);
  // The sums over the batch that are its own: gradients of the norm's parameters and of both biases.
  for (const std::size_t i : {2, 3, 5, 7}) EXPECT_TRUE(torch::equal(alone[i], together[i])) << i;
}

// By a fifth at this size. The fastest passes of one thread are compared, in turns: nothing waits for a busy
// core.
TEST_F(ResidualMlpTest, TakesLessTimeThanLibTorchsOperations) {
  if (vector_codes().back() == VectorCode::baseline) GTEST_SKIP() << "the processor has no wide vectors";
  at::set_num_threads(1);
  ResidualBlock block(64);
  block.to(torch::kCPU, torch::kBFloat16, torch::kFloat32);
  const torch::Tensor z = torch::randn({512, 64}, torch::kBFloat16), upstream = torch::randn_like(z);
  const auto seconds = [&](bool fused) {
    set_fused_kernels(fused);
    const Stopwatch watch;
    block.results(z, upstream);
    set_fused_kernels(true);
    return watch.seconds();
  };
  for (std::size_t i = 1; i < vector_codes().size(); ++i) {
    set_vector_code(vector_codes()[i]);
    double own = 1e9, plain = 1e9;
    for (int round = 0; round < 500 && (round < 10 || own >= plain); ++round) {
      own = std::min(own, seconds(true));
      plain = std::min(plain, seconds(false));
    }
    EXPECT_LT(own, plain) << vector_code_name(vector_codes()[i]);
  }
}

TEST_F(ResidualMlpTest, ABatchOfNoImagesHasNoGradients) {
  ResidualBlock block(16);
  const auto results = block.results(torch::empty({0, 16}), torch::empty({0, 16}));
  EXPECT_EQ(results[0].size(0), 0);
  for (std::size_t i = 2; i < results.size(); ++i) EXPECT_EQ(results[i].abs().sum().item<float>(), 0) << i;
}

TEST_F(ResidualMlpTest, WhatIsNotFiniteStaysSo) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    ResidualBlock block(16);
    torch::Tensor z = torch::randn({4, 16});
    z[2][3] = bad;
    const auto results = block.results(z, torch::ones({4, 16}));
    for (const torch::Tensor& each : {results[0][2], results[1][2], results[2], results[4]})
      EXPECT_FALSE(each.isfinite().all().item<bool>());
  }
}

}  // namespace
}  // namespace smlp
