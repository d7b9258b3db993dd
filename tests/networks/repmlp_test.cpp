#include "smlp/models/repmlp.hpp"

#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/nn/repmlp_block.hpp"
#include "smlp/train/tensor_file.hpp"
#include "support/golden_tensors.hpp"

namespace smlp {
namespace {

using testing::GoldenTensors;
using torch::Tensor;

constexpr int image_size = 16, classes = 5;

// In double precision, of which the files have what single keeps.
double relative(const Tensor& found, const Tensor& expected) {
  return ((found.detach().to(torch::kFloat32) - expected).norm() / (expected.norm() + 1e-3)).item<double>();
}

class GoldenRepMlp : public ::testing::TestWithParam<std::string> {
 protected:
  GoldenRepMlp()
      : config_(testing::read_chosen<ModelConfig>(model_table(), golden_.configs().at(GetParam()))) {
    model_ = build_model(config_, image_size, classes);
    const torch::NoGradGuard no_grad;
    const NamedTensors tensors = named_tensors(*model_);
    EXPECT_EQ(golden_.count(GetParam() + "/before/"), tensors.size());
    for (const auto& [name, tensor] : tensors) Tensor(tensor).copy_(of("before/" + name));
  }
  Tensor of(const std::string& name) const { return golden_[GetParam() + "/" + name]; }
  Tensor images() const { return of("images").to(torch::kFloat64); }

  const GoldenTensors golden_{"repmlp.safetensors"};
  Chosen<ModelConfig> config_;
  std::shared_ptr<Model> model_;
};

TEST_P(GoldenRepMlp, ForwardAndBackwardEqualTheReferences) {
  model_->to(torch::kFloat64);
  const Tensor logits = model_->forward(images());
  (logits * of("weights")).sum().backward();
  EXPECT_LT(relative(logits, of("logits")), 1e-5);
  for (const auto& item : model_->named_parameters())
    EXPECT_LT(relative(item.value().grad(), of("grad/" + item.key())), 1e-4) << item.key();
  for (const auto& item : model_->named_buffers())
    EXPECT_LT(relative(item.value(), of("after/" + item.key()).to(torch::kFloat32)), 1e-5) << item.key();
  model_->eval();
  EXPECT_LT(relative(model_->forward(images()), of("eval_logits")), 1e-5);
}

// By a pass in evaluation after one in training, whose statistics the reference has too.
TEST_P(GoldenRepMlp, MergedItGivesTheSameLogitsFromFewerOperations) {
  const Tensor floats = of("images");
  model_->forward(floats);
  model_->eval();
  const CostRow before = total(config_->costs(image_size, classes));
  const auto merged = merge_model(*model_, config_, image_size, classes);
  merged->eval();
  const Tensor logits = merged->forward(floats);
  EXPECT_LT(relative(logits, of("merged_logits")), 1e-5);
  EXPECT_LT(relative(logits, model_->forward(floats).detach()), 1e-5);
  const CostRow after = total(config_->costs(image_size, classes));
  EXPECT_LT(after.macs, before.macs);
  std::int64_t parameters = 0;
  for (const Tensor& each : merged->parameters()) parameters += each.numel();
  EXPECT_EQ(parameters, after.parameters);
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenRepMlp,
                         ::testing::Values("two_stages", "wide_kernels", "no_kernels"),
                         [](const auto& variant) { return variant.param; });

TEST(RepMlp, TensorsHaveThePublishedNamesAndShapes) {
  const auto names_and_shapes = [](const std::string& yaml) {
    const auto model =
        build_model(testing::read_chosen<ModelConfig>(model_table(), yaml), image_size, classes);
    std::map<std::string, std::vector<std::int64_t>> shapes;
    for (const auto& [name, tensor] : named_tensors(*model)) shapes[name] = tensor.sizes().vec();
    return shapes;
  };
  const std::string keys =
      "{name: repmlp, patch_size: 2, blocks: [1, 1], channels: [8, 16], share_sets: [2, 4]";
  const auto shapes = names_and_shapes(keys + "}");
  const std::string block = "stages.1.0.repmlp_block.";
  EXPECT_EQ(shapes.at("conv_embedding.conv.weight"), (std::vector<std::int64_t>{8, 3, 2, 2}));
  EXPECT_EQ(shapes.at("embeds.0.conv.weight"), (std::vector<std::int64_t>{16, 8, 2, 2}));
  EXPECT_EQ(shapes.at(block + "gp.fc1.weight"), (std::vector<std::int64_t>{4, 16, 1, 1}));
  EXPECT_EQ(shapes.at(block + "fc3.weight"), (std::vector<std::int64_t>{4 * 16, 16, 1, 1}));
  EXPECT_EQ(shapes.at(block + "fc3_bn.running_var"), (std::vector<std::int64_t>{4}));
  EXPECT_EQ(shapes.at(block + "repconv3.conv.weight"), (std::vector<std::int64_t>{4, 1, 3, 3}));
  EXPECT_EQ(shapes.at("stages.1.0.ffn_block.ffn_fc1.conv.weight"), (std::vector<std::int64_t>{64, 16, 1, 1}));
  EXPECT_FALSE(shapes.contains(block + "fc3.bias"));
  for (const char* more : {"stages.0.0.prebn2.bias", "head_norm.running_mean", "head.bias",
                           "stages.0.0.repmlp_block.repconv1.bn.num_batches_tracked"})
    EXPECT_TRUE(shapes.contains(more)) << more;

  const auto merged = names_and_shapes(keys + ", merged: true}");
  EXPECT_EQ(merged.at(block + "fc3.bias"), (std::vector<std::int64_t>{4 * 16}));
  EXPECT_FALSE(merged.contains(block + "fc3_bn.weight"));
  EXPECT_FALSE(merged.contains(block + "repconv1.conv.weight"));
  EXPECT_TRUE(merged.contains("stages.0.0.prebn1.weight"));
}

// As PyTorch's layers begin: uniform within 1/√fan_in, norms one and zero.
TEST(RepMlp, WeightsBeginAsThePublishedCodesDo) {
  const auto config = testing::read_chosen<ModelConfig>(model_table(), "{name: repmlp, patch_size: 2}");
  for (const auto& item : build_model(config, 32, classes)->named_parameters()) {
    const Tensor& p = item.value();
    if (p.dim() < 2) continue;
    const double limit = 1 / std::sqrt(static_cast<double>(p[0].numel()));
    EXPECT_LE(p.abs().max().item<double>(), limit) << item.key();
    if (p.numel() > 1000) {
      EXPECT_NEAR(p.std().item<double>(), limit / std::sqrt(3.0), limit / 20) << item.key();
    }
  }
}

// Of a net that is none of the family's.
TEST(RepMlpBlock, IsALayerOfItsOwnOnMapsOfAnyShapeThatItsPartitionsCover) {
  RepMlpBlock block(
      {.channels = 4, .share_sets = 2, .partition = 3, .reduction = 2, .kernels = {3}, .merged = false});
  block.eval();
  const torch::NoGradGuard no_grad;
  const Tensor x = torch::randn({2, 4, 6, 9});
  EXPECT_EQ(block.forward(x).sizes(), x.sizes());
  RepMlpBlock merged(
      {.channels = 4, .share_sets = 2, .partition = 3, .reduction = 2, .kernels = {}, .merged = true});
  block.merge_into(merged);
  EXPECT_LT(relative(merged.forward(x), block.forward(x)), 1e-6);
}

}  // namespace
}  // namespace smlp
