#include "smlp/train/loss.hpp"

#include "support/golden_tensors.hpp"

namespace smlp {
namespace {

using testing::expect_close;
using testing::GoldenTensors;

TEST(CrossEntropy, ValuesAndGradientsEqualPyTorchs) {
  const GoldenTensors golden("losses.safetensors");
  for (const bool mixed : {false, true})
    for (const char* smoothing : {"0.0", "0.3"}) {
      const std::string at = std::string(mixed ? "mixed/" : "one/") + smoothing;
      SCOPED_TRACE(at);
      Targets targets{.labels = golden["labels"]};
      if (mixed) targets.partners = golden["partners"], targets.lambda = golden["lambda"];
      const torch::Tensor logits = golden["logits"].requires_grad_();
      const torch::Tensor loss = cross_entropy(logits, targets, std::stod(smoothing)).mean;
      (2 * loss).backward();
      expect_close(loss.detach(), golden[at + "/loss"], "loss", 1e-6, 1e-6);
      expect_close(logits.grad(), 2 * golden[at + "/grad"], "gradient", 1e-5, 1e-7);
    }
}

TEST(CrossEntropy, HalfPrecisionLogitsAreTakenToFloat) {
  const torch::Tensor exact = torch::randn({4, 7}).to(torch::kBFloat16);
  const Targets targets{.labels = torch::tensor({0, 6, 3, 3})};
  const torch::Tensor logits = exact.clone().requires_grad_(),
                      wide = exact.to(torch::kFloat32).requires_grad_();
  const torch::Tensor loss = cross_entropy(logits, targets, 0.1).mean,
                      expected = cross_entropy(wide, targets, 0.1).mean;
  EXPECT_EQ(loss.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::equal(loss, expected));
  loss.backward(), expected.backward();
  EXPECT_EQ(logits.grad().scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::allclose(logits.grad().to(torch::kFloat32), wide.grad(), 1e-2, 1e-3));
}

TEST(CrossEntropy, HugeLogitsStayFinite) {
  const torch::Tensor logits = torch::tensor({{1e4f, -1e4f, 0.f}}).requires_grad_();
  const torch::Tensor loss = cross_entropy(logits, {.labels = torch::tensor({1})}, 0.3).mean;
  loss.backward();
  EXPECT_TRUE(loss.isfinite().item<bool>());
  EXPECT_TRUE(logits.grad().isfinite().all().item<bool>());
}

}  // namespace
}  // namespace smlp
