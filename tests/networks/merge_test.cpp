// Batch norms folded into the linear layers beside them; repmlp's block: repmlp_test.cpp.
#include "smlp/models/registry.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "support/errors.hpp"
#include "support/golden_tensors.hpp"

namespace smlp {
namespace {

using torch::Tensor;

constexpr int image_size = 4, classes = 5;

Chosen<ModelConfig> read_model(const std::string& yaml) {
  return testing::read_chosen<ModelConfig>(model_table(), yaml);
}

// With running statistics and weights that are none of those at the start.
std::shared_ptr<Model> drawn(const Chosen<ModelConfig>& config) {
  const auto model = build_model(config, image_size, classes);
  const torch::NoGradGuard no_grad;
  for (const auto& item : model->named_parameters()) item.value().add_(torch::randn_like(item.value()) * 0.3);
  for (int i = 0; i < 5; ++i) model->forward(torch::randn({16, 3, image_size, image_size}) * 3 + 1);
  model->eval();
  return model;
}

TEST(Merge, BatchNormsFoldIntoLinearLayersWithTheSameLogits) {
  torch::manual_seed(0);
  const torch::NoGradGuard no_grad;
  for (const char* yaml :
       {"{name: b_mlp, depth: 3, width: 16, norm: batch}",
        "{name: b_mlp, depth: 3, width: 16, norm: batch, activation: relu, skip: false, dropout: 0.1}",
        "{name: b_mlp, depth: 3, width: 16, norm: batch, norm_position: post, skip: false}",
        "{name: b_mlp, depth: 2, width: 16, norm: batch, bottleneck: false, layers_per_block: 3}",
        "{name: s_mlp, depth: 3, width: 16, norm: batch}",
        "{name: s_mlp, depth: 3, width: 16, norm: batch, block_order: norm_linear_act}"}) {
    SCOPED_TRACE(yaml);
    auto config = read_model(yaml);
    const auto model = drawn(config);
    const CostRow before = total(config->costs(image_size, classes));
    const auto merged = merge_model(*model, config, image_size, classes);
    merged->eval();
    const Tensor images = torch::randn({8, 3, image_size, image_size});
    const Tensor expected = model->forward(images);
    EXPECT_LT((merged->forward(images) - expected).norm().item<double>(),
              1e-5 * expected.norm().item<double>());
    EXPECT_TRUE(merged->named_buffers().is_empty());
    EXPECT_LT(total(config->costs(image_size, classes)).macs, before.macs);
  }
}

TEST(Merge, WhatHasNothingToFoldIsRefusedWithTheReason) {
  const auto refusal = [](const std::string& yaml) {
    auto config = read_model(yaml);
    const auto model = build_model(config, 32, classes);
    return testing::error_of(ErrorKind::usage, [&] { merge_model(*model, config, 32, classes); });
  };
  for (const char* family : {"mixer", "rp_mixer", "gmlp", "resmlp", "vit", "resnet"})
    EXPECT_EQ(
        refusal(fmt::format("{{name: {}}}", family)).find(std::string(family) + " has nothing to merge"), 0u);
  EXPECT_NE(refusal("{name: b_mlp}").find("model.norm: batch"), std::string::npos);
  EXPECT_NE(refusal("{name: s_mlp, norm: none}").find("model.norm: batch"), std::string::npos);
  EXPECT_NE(refusal("{name: b_mlp, norm: batch, norm_position: post}").find("model.skip"), std::string::npos);
  EXPECT_EQ(refusal("{name: repmlp, merged: true}"), "it is merged already");
}

}  // namespace
}  // namespace smlp
