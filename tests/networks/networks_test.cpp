#include <c10/core/Allocator.h>

#include "smlp/models/registry.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/train/bf16_weights.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/tensor_file.hpp"
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

std::shared_ptr<Model> build(const std::string& yaml, int image_size, int classes) {
  return build_model(read_model(yaml), image_size, classes);
}

std::vector<std::string> tensor_names(const torch::nn::Module& model) {
  return model.named_parameters().keys();
}

// A file of golden tensors, and a variant in it.
class GoldenModel : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(GoldenModel, ForwardAndBackwardEqualTheReferences) {
  const auto& [file, name] = GetParam();
  const GoldenTensors golden(file);
  const std::string variant = name + "/";
  const auto config = read_model(golden.configs().at(name));
  const int size = static_cast<int>(golden[variant + "images"].size(3));
  const auto model = build_model(config, size, 5);
  EXPECT_EQ(std::size_t{golden.count(variant + "before/")},
            model->named_parameters().size() + model->named_buffers().size());
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
    EXPECT_TRUE(torch::allclose(item.value(), golden[variant + "after/" + item.key()], 1e-5, 1e-6))
        << item.key();

  model->eval();
  expect_close(model->forward(golden[variant + "images"]).detach(), golden[variant + "eval_logits"],
               "evaluation");
  if (golden.contains(variant + "saved_bytes")) {
    EXPECT_EQ(total(config->costs(size, 5)).saved_bytes,
              golden[variant + "saved_bytes"].item<std::int64_t>());
  }
}

// Every variant of every file.
std::vector<std::pair<std::string, std::string>> golden_variants() {
  std::vector<std::pair<std::string, std::string>> variants;
  for (const char* file : {"models.safetensors", "timm.safetensors"}) {
    const GoldenTensors golden(file);
    for (const auto& [name, config] : golden.configs()) variants.emplace_back(file, name);
  }
  return variants;
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenModel, ::testing::ValuesIn(golden_variants()),
                         [](const auto& variant) { return variant.param.second; });

// Every tensor at random, for some begin at zero and hide what lies before them.
void draw_all(Model& model) {
  const torch::NoGradGuard no_grad;
  for (const auto& item : model.named_parameters()) item.value().normal_(0, 0.1);
}

TEST(Networks, EveryFamilyBuildsAndTrainsTheLayersItCounts) {
  for (const ModelFamily& family : model_table()) {
    SCOPED_TRACE(family.name);
    const auto config = read_model(std::string("{name: ") + family.name + "}");
    const auto model = build_model(config, 32, 10);
    draw_all(*model);
    const torch::Tensor logits = model->forward(torch::randn({3, 3, 32, 32}));
    EXPECT_EQ(logits.sizes(), torch::IntArrayRef({3, 10}));
    logits.square().sum().backward();

    std::map<std::string, std::int64_t> counted;
    for (const auto& item : model->named_parameters()) {
      ASSERT_TRUE(item.value().grad().defined()) << item.key();
      EXPECT_GT(item.value().grad().abs().sum().item<double>(), 0) << item.key();
      counted[item.key().substr(0, item.key().rfind('.'))] += item.value().numel();
    }
    const std::vector<CostRow> rows = config->costs(32, 10);
    EXPECT_EQ(rows.size(), counted.size());
    for (const CostRow& cost : rows) EXPECT_EQ(cost.parameters, counted[cost.layer]) << cost.layer;
  }
}

// Bytes of a CPU's tensors that this thread allocates while it lives.
class LiveMemory : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device) override {
    bytes += size;
    most = std::max(most, bytes);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t bytes = 0, most = 0;
};

TEST(Networks, EveryFamilyKeepsTheMemoryForTheBackwardPassThatItCounts) {
  constexpr int batch = 8, size = 16, classes = 10;
  for (const ModelFamily& family : model_table()) {
    const auto config = read_model(std::string("{name: ") + family.name + "}");
    const auto model = build_model(config, size, classes);
    const torch::Tensor images = torch::randn({batch, 3, size, size});
    const auto memory = std::make_shared<LiveMemory>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, memory);
    const torch::Tensor logits = model->forward(images);
    const auto counted = static_cast<double>(total(config->costs(size, classes)).saved_bytes * batch);
    EXPECT_NEAR(static_cast<double>(memory->bytes), counted, 0.1 * counted) << family.name;
  }
}

TEST(Networks, AMaskedLayerTakesTheMemoryThatItCounts) {
  constexpr int size = 16, classes = 10;
  for (const char* kernel : {"dense", "sparse"}) {
    SCOPED_TRACE(kernel);
    const auto config = read_model(
        fmt::format("{{name: sparse_mlp, width: 512, depth: 1, density: 0.1, masked_kernel: {}}}", kernel));
    const CostRow cost = total(config->costs(size, classes));
    const auto memory = std::make_shared<LiveMemory>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, memory);
    const auto model = build_model(config, size, classes);
    const auto kept = static_cast<double>(4 * cost.parameters + cost.fixed_bytes);
    EXPECT_NEAR(static_cast<double>(memory->bytes), kept, 0.1 * kept);
    memory->most = memory->bytes;
    model->forward(torch::ones({1, 3, size, size})).sum().backward();
    const bool dense = std::string(kernel) == "dense";  // in fp32 as here, in bf16 both are
    const auto passing = static_cast<double>(4 * cost.parameters + (dense ? cost.passing_bytes : 0));
    EXPECT_LT(static_cast<double>(memory->most) - kept, 1.1 * passing);
    EXPECT_GT(static_cast<double>(memory->most) - kept, 0.5 * passing) << "in fp32 nothing is cast";
  }
}

TEST(Networks, InEvaluationEveryFamilyGivesEachImageTheSameInWhateverBatch) {
  for (const ModelFamily& family : model_table()) {
    SCOPED_TRACE(family.name);
    const auto model = build(std::string("{name: ") + family.name + "}", 16, 10);
    torch::manual_seed(2);
    draw_all(*model);
    model->eval();
    const torch::NoGradGuard no_grad;
    const torch::Tensor images = torch::randn({6, 3, 16, 16});
    const torch::Tensor whole = model->forward(images);
    EXPECT_TRUE(testing::same_bits(whole, model->forward(images)));
    for (std::int64_t i = 0; i < 6; i += 3)
      expect_close(model->forward(images.narrow(0, i, 1)), whole.narrow(0, i, 1), "alone", 1e-3,
                   1e-5 * whole.abs().max().item<double>());
  }
}

TEST(Networks, EveryFamilyIsTheSameInBf16ButForItsRounding) {
  for (const ModelFamily& family : model_table()) {
    const auto model = build(std::string("{name: ") + family.name + "}", 16, 10);
    torch::manual_seed(1);
    draw_all(*model);
    const torch::Tensor images = torch::randn({16, 3, 16, 16});
    Bf16Weights weights(*model);
    const torch::Tensor expected = model->forward(images).detach();
    const Bf16Weights::Scope scope(weights);
    const torch::Tensor found = model->forward(images.to(torch::kBFloat16)).detach().to(torch::kFloat32);
    EXPECT_LT((found - expected).norm().item<double>(), 0.06 * expected.norm().item<double>()) << family.name;
  }
}

// A family's weights are recognised as what they are, by names and shapes alone.
TEST(Networks, EveryFamilyRecognisesItsOwnWeights) {
  std::vector<std::string> models{"{name: s_mlp, depth: 1, width: 8, norm: none}",
                                  "{name: s_mlp, depth: 3, width: 8, norm: batch}",
                                  "{name: b_mlp, depth: 2, width: 8, expansion: 3, norm: batch}",
                                  "{name: b_mlp, depth: 2, width: 8, bottleneck: false, layers_per_block: 3}",
                                  "{name: mixer, depth: 2, norm: none}",
                                  "{name: repmlp, merged: true}",
                                  "{name: repmlp, patch_size: 2, blocks: [1, 3], channels: [12, 24], "
                                  "share_sets: [3, 4], partition: [8, 2], kernels: [5], reduction: 3, "
                                  "expansion: 2}"};
  for (const ModelFamily& family : model_table())
    models.push_back(std::string("{name: ") + family.name + "}");
  for (const std::string& yaml : models) {
    SCOPED_TRACE(yaml);
    const auto config = read_model(yaml);
    const auto model = build_model(config, 16, 7);
    std::vector<SafetensorsEntry> entries;
    for (const auto& [name, tensor] : named_tensors(*model))
      entries.push_back({name, "F32", tensor.sizes().vec(), {}});
    const RecognisedModel found = recognise(TensorShapes(entries)).value();
    EXPECT_EQ(found.family, config.name);
    if (!found.any_image_size) {
      EXPECT_EQ(found.image_size, 16);
    }
    EXPECT_EQ(found.classes, 7);
    EXPECT_EQ(found.tensors.size(), entries.size());
    std::vector<ConfigNode> overrides;
    for (const auto& [key, value] : found.keys) overrides.push_back(make_override(key, value, "file"));
    auto again = load_run_config(std::nullopt, std::move(overrides));
    EXPECT_EQ(again.data.image_size, found.image_size);
    EXPECT_EQ(total(again.model->costs(16, 7)).parameters, total(config->costs(16, 7)).parameters);
    EXPECT_EQ(again.model->costs(16, 7).size(), config->costs(16, 7).size());
  }
}

TEST(Networks, TensorsHaveThePublishedNamesAndOrder) {
  const std::vector<std::string> b = {
      "linear_in.weight",        "linear_in.bias",        "linear_out.weight",       "linear_out.bias",
      "blocks.0.block.0.weight", "blocks.0.block.0.bias", "blocks.0.block.2.weight", "blocks.0.block.2.bias",
      "blocks.1.block.0.weight", "blocks.1.block.0.bias", "blocks.1.block.2.weight", "blocks.1.block.2.bias",
      "layernorms.0.weight",     "layernorms.0.bias",     "layernorms.1.weight",     "layernorms.1.bias"};
  EXPECT_EQ(tensor_names(*build("{name: b_mlp, depth: 2, width: 4}", 2, 3)), b);
  const std::vector<std::string> s = {"linear_in.weight",  "linear_in.bias",      "linear_out.weight",
                                      "linear_out.bias",   "layers.0.weight",     "layers.0.bias",
                                      "layers.1.weight",   "layers.1.bias",       "layernorms.0.weight",
                                      "layernorms.0.bias", "layernorms.1.weight", "layernorms.1.bias"};
  EXPECT_EQ(tensor_names(*build("{name: s_mlp, depth: 3, width: 4}", 2, 3)), s);
}

TEST(Networks, WeightsFollowTheSeedAndPyTorchsRange) {
  const auto config = read_model("{name: b_mlp, depth: 1, width: 64}");
  torch::manual_seed(3);
  const auto first = build_model(config, 8, 10);
  torch::manual_seed(3);
  const auto second = build_model(config, 8, 10);
  for (const auto& item : first->named_parameters())
    EXPECT_TRUE(testing::same_bits(item.value(), second->named_parameters()[item.key()])) << item.key();
  const double limit = 1 / std::sqrt(192.0);  // kaiming_uniform with a = √5: 1/√fan_in
  const torch::Tensor weight = first->named_parameters()["linear_in.weight"].detach();
  EXPECT_LE(weight.abs().max().item<double>(), limit);
  EXPECT_NEAR(weight.std().item<double>(), limit / std::sqrt(3.0), limit / 50);
}

TEST(Networks, DropoutActsOnlyWhileTraining) {
  const auto model = build("{name: b_mlp, depth: 2, width: 32, dropout: 0.5}", 4, 10);
  const torch::Tensor images = torch::randn({4, 3, 4, 4});
  EXPECT_FALSE(torch::equal(model->forward(images), model->forward(images)));
  model->eval();
  EXPECT_TRUE(torch::equal(model->forward(images), model->forward(images)));
}

TEST(Networks, BatchNormRefusesToTrainOnOneImage) {
  const auto model = build("{name: s_mlp, depth: 2, width: 4, norm: batch}", 2, 3);
  error_of(ErrorKind::usage, [&] { model->forward(torch::randn({1, 3, 2, 2})); });
  model->eval();
  EXPECT_EQ(model->forward(torch::randn({1, 3, 2, 2})).size(0), 1);
}

}  // namespace
}  // namespace smlp
