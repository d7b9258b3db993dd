#include "smlp/models/b_mlp.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/models/s_mlp.hpp"
#include "support/errors.hpp"
#include "support/golden_tensors.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::expect_close;
using testing::GoldenTensors;

Chosen<ModelConfig> read_model(const std::string& yaml) {
  return testing::read_chosen<ModelConfig>(model_table(), yaml);
}

std::vector<std::string> tensor_names(const torch::nn::Module& model) {
  return model.named_parameters().keys();
}

class GoldenModel : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenModel, ForwardAndBackwardEqualPyTorchs) {
  const GoldenTensors golden("models.safetensors");
  const std::string variant = GetParam() + "/";
  const auto model = read_model(golden.configs().at(GetParam()))->build(2, 5);
  torch::NoGradGuard no_grad;
  for (const auto& item : model->named_parameters())
    item.value().copy_(golden[variant + "before/" + item.key()]);
  for (const auto& item : model->named_buffers())
    item.value().copy_(golden[variant + "before/" + item.key()]);

  torch::AutoGradMode grad(true);
  const torch::Tensor logits = model->forward(golden[variant + "images"]);
  (logits * golden[variant + "weights"]).sum().backward();
  expect_close(logits.detach(), golden[variant + "logits"], "logits");
  for (const auto& item : model->named_parameters())
    expect_close(item.value().grad(), golden[variant + "grad/" + item.key()], item.key());
  for (const auto& item : model->named_buffers())
    EXPECT_TRUE(torch::allclose(item.value(), golden[variant + "after/" + item.key()])) << item.key();

  model->eval();
  expect_close(model->forward(golden[variant + "images"]).detach(), golden[variant + "eval_logits"],
               "evaluation");
  EXPECT_EQ(total(model->costs()).saved_bytes, golden[variant + "saved_bytes"].item<std::int64_t>());
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenModel,
                         ::testing::Values("b", "b_relu_batch", "b_no_norm_no_skip", "b_post",
                                           "b_post_batch_no_skip", "b_layers", "b_layers_relu", "s", "s_text",
                                           "s_batch", "s_no_norm"),
                         [](const auto& variant) { return variant.param; });

TEST(Models, EveryFamilyBuildsTrainsAndCountsItself) {
  for (const FamilyRow<ModelConfig>& row : model_table()) {
    SCOPED_TRACE(row.name);
    const auto model = row.make()->build(32, 10);
    const torch::Tensor logits = model->forward(torch::randn({3, 3, 32, 32}));
    EXPECT_EQ(logits.sizes(), torch::IntArrayRef({3, 10}));
    logits.square().sum().backward();

    std::map<std::string, std::int64_t> counted;
    for (const auto& item : model->named_parameters()) {
      ASSERT_TRUE(item.value().grad().defined()) << item.key();
      EXPECT_GT(item.value().grad().abs().sum().item<double>(), 0) << item.key();
      counted[item.key().substr(0, item.key().rfind('.'))] += item.value().numel();
    }
    const std::vector<CostRow> rows = model->costs();
    EXPECT_EQ(rows.size(), counted.size());
    for (const CostRow& cost : rows) EXPECT_EQ(cost.parameters, counted[cost.layer]) << cost.layer;
  }
}

TEST(Models, PrintedConfigReadsBackToTheSame) {
  for (const FamilyRow<ModelConfig>& row : model_table()) {
    auto chosen = read_model(std::string("{name: ") + row.name + ", depth: 7, norm: batch, dropout: 0.25}");
    const std::string printed = testing::print_chosen(chosen, model_table());
    Chosen<ModelConfig> again;
    read_config(parse_yaml(printed, "printed"),
                [&](FieldVisitor& v) { v.family("it", again, model_table(), ""); });
    EXPECT_EQ(testing::print_chosen(again, model_table()), printed);
    EXPECT_NE(printed.find("batch"), std::string::npos);
  }
}

TEST(Models, TensorsHaveThePublishedNamesAndOrder) {
  const std::vector<std::string> b = {
      "linear_in.weight",        "linear_in.bias",        "linear_out.weight",       "linear_out.bias",
      "blocks.0.block.0.weight", "blocks.0.block.0.bias", "blocks.0.block.2.weight", "blocks.0.block.2.bias",
      "blocks.1.block.0.weight", "blocks.1.block.0.bias", "blocks.1.block.2.weight", "blocks.1.block.2.bias",
      "layernorms.0.weight",     "layernorms.0.bias",     "layernorms.1.weight",     "layernorms.1.bias"};
  EXPECT_EQ(tensor_names(*read_model("{name: b_mlp, depth: 2, width: 4}")->build(2, 3)), b);
  const std::vector<std::string> s = {"linear_in.weight",  "linear_in.bias",      "linear_out.weight",
                                      "linear_out.bias",   "layers.0.weight",     "layers.0.bias",
                                      "layers.1.weight",   "layers.1.bias",       "layernorms.0.weight",
                                      "layernorms.0.bias", "layernorms.1.weight", "layernorms.1.bias"};
  EXPECT_EQ(tensor_names(*read_model("{name: s_mlp, depth: 3, width: 4}")->build(2, 3)), s);
}

TEST(Models, ParametersAndMacsAreThePapers) {
  struct Row {
    int depth, width;
    double millions;  // table 3
  };
  for (const Row& row :
       {Row{6, 256, 9}, {12, 256, 12}, {6, 512, 24}, {12, 512, 37}, {6, 1024, 74}, {12, 1024, 124}}) {
    BMlpConfig config;
    config.depth = row.depth, config.width = row.width;
    const CostRow sum = total(config.build(64, 11230)->costs());
    EXPECT_EQ(std::floor(static_cast<double>(sum.parameters) / 1e6), row.millions)
        << row.depth << "/" << row.width;
    if (row.depth == 12 && row.width == 1024) {
      EXPECT_EQ(sum.macs, 124'807'168);
    }
  }
}

TEST(Models, WeightsFollowTheSeedAndPyTorchsRange) {
  const auto config = read_model("{name: b_mlp, depth: 1, width: 64}");
  torch::manual_seed(3);
  const auto first = config->build(8, 10);
  torch::manual_seed(3);
  const auto second = config->build(8, 10);
  for (const auto& item : first->named_parameters())
    EXPECT_TRUE(testing::same_bits(item.value(), second->named_parameters()[item.key()])) << item.key();
  const double limit = 1 / std::sqrt(192.0);  // kaiming_uniform with a = √5: 1/√fan_in
  const torch::Tensor weight = first->named_parameters()["linear_in.weight"].detach();
  EXPECT_LE(weight.abs().max().item<double>(), limit);
  EXPECT_NEAR(weight.std().item<double>(), limit / std::sqrt(3.0), limit / 50);
}

TEST(Models, DropoutActsOnlyWhileTraining) {
  const auto model = read_model("{name: b_mlp, depth: 2, width: 32, dropout: 0.5}")->build(4, 10);
  const torch::Tensor images = torch::randn({4, 3, 4, 4});
  EXPECT_FALSE(torch::equal(model->forward(images), model->forward(images)));
  model->eval();
  EXPECT_TRUE(torch::equal(model->forward(images), model->forward(images)));
}

TEST(Models, SettingsOutOfRangeAreRefused) {
  for (const char* yaml :
       {"{name: b_mlp, depth: 0}", "{name: b_mlp, depth: 9223372036854775807}",
        "{name: b_mlp, width: 100000}", "{name: s_mlp, dropout: 1}", "{name: b_mlp, expansion: 65}",
        "{name: s_mlp, norm: group}", "{name: s_mlp, expansion: 4}"})
    error_of(ErrorKind::usage, [&] { read_model(yaml); });
  EXPECT_NE(
      error_of(ErrorKind::usage,
               [] { read_model("{name: b_mlp, depth: 1024, width: 65536, expansion: 64}")->build(64, 10); })
          .find("parameters"),
      std::string::npos);
  error_of(ErrorKind::usage, [] { read_model("{name: b_mlp, layers_per_block: 3}")->build(64, 10); });
  error_of(ErrorKind::usage, [] { read_model("{name: s_mlp}")->build(1 << 30, 10); });
  error_of(ErrorKind::usage, [] { read_model("{name: s_mlp}")->build(64, 1); });
}

TEST(Models, BatchNormRefusesToTrainOnOneImage) {
  const auto model = read_model("{name: s_mlp, depth: 2, width: 4, norm: batch}")->build(2, 3);
  error_of(ErrorKind::usage, [&] { model->forward(torch::randn({1, 3, 2, 2})); });
  model->eval();
  EXPECT_EQ(model->forward(torch::randn({1, 3, 2, 2})).size(0), 1);
}

TEST(ModelNames, EverySpellingOfThePaperIsRead) {
  struct Row {
    const char* name;
    std::optional<int> image_size;
  };
  for (const Row& row : {Row{"B-12/Wi-1024", {}},
                         {"B_12-Wi_1024_res_64_in21k", 64},
                         {"B-12_Wi-1024_res_64_imagenet21_epochs_800", 64},
                         {"B-12/1024", {}},
                         {"b-12/wi-1024", {}},
                         {"B_12-Wi_1024_res_64_cifar10", 64}}) {
    const auto found = parse_model_name(row.name);
    ASSERT_TRUE(found) << row.name;
    EXPECT_EQ(found->family, "b_mlp");
    EXPECT_EQ(found->depth, 12);
    EXPECT_EQ(found->width, 1024);
    EXPECT_EQ(found->image_size, row.image_size) << row.name;
  }
  EXPECT_EQ(parse_model_name("S-6/2048")->family, "s_mlp");
}

TEST(ModelNames, OtherWordsAreNotNames) {
  for (const std::string& name :
       {std::string("b_mlp"), std::string(""), std::string("B-12"), std::string("B-0/1024"),
        std::string("B-12/0"), std::string("C-12/1024"), std::string("B-99999999999999999999/1024"),
        std::string("B-12/1024/last"), std::string("B-12/1024_res_99999999999"),
        std::string("runs/B-12/1024"), "B-12/" + std::string(100'000, '1'),
        std::string("B-12/1024_res_64_") + std::string(100'000, 'x')})
    EXPECT_FALSE(parse_model_name(name)) << name.substr(0, 60);
}

}  // namespace
}  // namespace smlp
