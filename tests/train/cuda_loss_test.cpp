#include <torch/torch.h>

#include "smlp/train/loss.hpp"
#include "support/cuda.hpp"

namespace smlp {
namespace {

using testing::relative_distance;
class CudaLoss : public testing::CudaTest {};

// Against the same function on a CPU in float64, from logits that are the same bits; rows apart as a head of
// 11,230 classes leaves them.
TEST_F(CudaLoss, TheKernelsGiveTheCpusLossHitsAndGradient) {
  torch::manual_seed(4);
  for (const std::int64_t classes : {2, 7, 10, 200, 1000, 11230})
    for (const std::int64_t rows : {1, 33, 512})
      for (const bool mixed : {false, true})
        for (const auto& [type, tolerance] : {std::pair{torch::kFloat32, 2e-6}, {torch::kBFloat16, 4e-3}}) {
          const torch::Tensor values = (torch::randn({rows, classes}) * 4).to(type);
          Targets targets{.labels = torch::randint(classes, {rows})};
          if (mixed) targets.partners = torch::randint(classes, {rows}), targets.lambda = torch::tensor(0.3f);
          const torch::Tensor wide =
              torch::empty({rows, (classes + 7) / 8 * 8}, torch::dtype(type).device(torch::kCUDA));
          torch::Tensor logits = wide.narrow(1, 0, classes).copy_(values).detach().requires_grad_();
          const auto there = [](const torch::Tensor& t) { return t.defined() ? t.to(torch::kCUDA) : t; };
          const Loss found = cross_entropy(
              logits, {there(targets.labels), there(targets.partners), there(targets.lambda)}, 0.3);
          (found.mean * 0.25).backward();
          const torch::Tensor exact = values.to(torch::kFloat64).requires_grad_();
          const Loss expected = cross_entropy(exact, targets, 0.3);
          (expected.mean * 0.25).backward();
          const std::string what = std::to_string(classes) + " classes, " + std::to_string(rows) + " rows";
          EXPECT_NEAR(found.mean.item<double>(), expected.mean.item<double>(), 1e-4) << what;
          EXPECT_LT(relative_distance(logits.grad(), exact.grad()), tolerance) << what;
          if (type == torch::kFloat32) {
            EXPECT_EQ(found.right.item<std::int64_t>(), expected.right.item<std::int64_t>()) << what;
          }
        }
}

TEST_F(CudaLoss, HugeLogitsStayFiniteAndAnInfiniteOneIsSeen) {
  const torch::Tensor labels = torch::tensor({1}).to(torch::kCUDA);
  const auto of = [&](float largest) {
    const torch::Tensor logits = torch::tensor({{largest, -1e4f, 0.f}}).to(torch::kCUDA).requires_grad_();
    const Loss loss = cross_entropy(logits, {.labels = labels}, 0.3);
    loss.mean.backward();
    return loss.mean.isfinite().item<bool>() && logits.grad().isfinite().all().item<bool>();
  };
  EXPECT_TRUE(of(1e4f));
  EXPECT_FALSE(of(std::numeric_limits<float>::infinity()));
  EXPECT_FALSE(of(std::numeric_limits<float>::quiet_NaN()));
}

}  // namespace
}  // namespace smlp
