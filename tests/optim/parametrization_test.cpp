// µP: what suits one width suits all.
#include <spdlog/fmt/fmt.h>

#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/optim/clip.hpp"
#include "smlp/optim/registry.hpp"
#include "support/golden_tensors.hpp"

namespace smlp {
namespace {

constexpr int side = 8, classes = 10, base = 32;

std::shared_ptr<Model> build(const std::string& family, int width, const std::string& parametrization) {
  torch::manual_seed(0);
  return build_model(
      testing::read_chosen<ModelConfig>(
          model_table(), fmt::format("{{name: {}, depth: 3, width: {}, parametrization: {}, base_width: {}}}",
                                     family, width, parametrization, base)),
      side, classes);
}

// How far the logits of some images have moved, on average, after some steps on others.
double movement(const std::string& family, int width, const std::string& parametrization,
                const std::string& optimizer, int steps = 5) {
  const std::shared_ptr<Model> model = build(family, width, parametrization);
  const auto config = testing::read_chosen<OptimizerConfig>(optimizer_table(), optimizer);
  const auto stepper = config.config->build(group_parameters(*model, *config.config));
  torch::manual_seed(1);
  const torch::Tensor images = torch::randn({64, 3, side, side}), labels = torch::randint(classes, {64});
  const auto logits = [&] {
    const torch::NoGradGuard no_grad;
    return model->forward(images);
  };
  const torch::Tensor before = logits(), one = torch::ones({});
  for (int step = 0; step < steps; ++step) {
    model->zero_grad();
    const torch::Tensor loss = torch::nn::functional::cross_entropy(model->forward(images), labels);
    loss.backward();
    stepper->step(step_inputs(loss.detach(), one, 0, one));
  }
  return (logits() - before).abs().mean().item<double>();
}

TEST(Parametrization, UnderMupLogitsMoveAlikeAtEveryWidthAndUnderTheStandardOneTheyGrow) {
  for (const char* family : {"b_mlp", "s_mlp"})
    for (const char* optimizer :
         {"{name: lion, lr: 1e-3}", "{name: adamw, lr: 1e-3}", "{name: muon, lr: 1e-3}",
          "{name: muon, lr: 1e-2, adjust_lr_fn: original}", "{name: sgd, lr: 0.1}"}) {
      const double narrow = movement(family, base, "mup", optimizer),
                   wide = movement(family, 16 * base, "mup", optimizer),
                   standard = movement(family, 16 * base, "standard", optimizer);
      SCOPED_TRACE(fmt::format("{} {}: {} to {}, standard {}", family, optimizer, narrow, wide, standard));
      EXPECT_LT(wide / narrow, 2);
      EXPECT_GT(wide / narrow, 0.5);
      const bool sgd = std::string(optimizer).find("sgd") != std::string::npos;
      EXPECT_GT(standard / narrow, sgd ? 0 : 3);
    }
}

TEST(Parametrization, AtTheBaseWidthItIsTheStandardOneAndDecayTimesRateIsTheSameAtAll) {
  const std::shared_ptr<Model> mup = build("b_mlp", base, "mup"), standard = build("b_mlp", base, "standard");
  for (const auto& item : mup->named_parameters())
    EXPECT_TRUE(testing::same_bits(item.value(), standard->named_parameters()[item.key()])) << item.key();
  for (const auto& row : optimizer_table()) {
    const auto config = row.make();
    config->weight_decay = 0.5;
    const std::shared_ptr<Model> wide = build("b_mlp", 4 * base, "mup");
    for (const Parameter& p : group_parameters(*wide, *config))
      EXPECT_NEAR(p.lr * p.weight_decay, config->lr * 0.5, 1e-12) << row.name << " " << p.name;
  }
}

TEST(Parametrization, TheHeadStartsSmallerAndBiasesAsAtTheBase) {
  const std::shared_ptr<Model> mup = build("b_mlp", 4 * base, "mup"),
                               standard = build("b_mlp", 4 * base, "standard");
  const auto ratio = [&](const std::string& name) {
    return (mup->named_parameters()[name].norm() / standard->named_parameters()[name].norm()).item<double>();
  };
  EXPECT_NEAR(ratio("linear_out.weight"), 0.5, 1e-6);
  EXPECT_NEAR(ratio("linear_out.bias"), 2, 1e-6);
  EXPECT_NEAR(ratio("blocks.0.block.2.bias"), 2, 1e-6);
  for (const char* name :
       {"linear_in.weight", "linear_in.bias", "blocks.0.block.0.weight", "layernorms.0.weight"})
    EXPECT_NEAR(ratio(name), 1, 1e-6) << name;
}

}  // namespace
}  // namespace smlp
