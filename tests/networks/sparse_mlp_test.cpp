#include "smlp/models/sparse_mlp.hpp"

#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/optim/registry.hpp"
#include "smlp/train/bf16_weights.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/tensor_file.hpp"
#include "smlp/train/training_step.hpp"
#include "support/errors.hpp"
#include "support/golden_tensors.hpp"
#include "support/product_count.hpp"

namespace smlp {
namespace {

using testing::error_of;
using torch::Tensor;

constexpr int side = 8, classes = 10;

Chosen<ModelConfig> read_model(const std::string& yaml) {
  return testing::read_chosen<ModelConfig>(model_table(), yaml);
}

std::shared_ptr<Model> build(const std::string& keys) {
  return build_model(read_model("{name: sparse_mlp, depth: 2, width: 24, " + keys + "}"), side, classes);
}

// Every structure of every kind, with the embedding and without.
std::vector<std::string> variants() {
  std::vector<std::string> all;
  for (const char* kind : {"b_mlp", "s_mlp"})
    for (const char* structure :
         {"masked, density: 0.3", "masked, connections: 99", "masked, density: 0.3, masked_kernel: sparse",
          "block_diagonal", "low_rank", "kronecker", "btt, rank: 2", "btt, rank: 1", "monarch, blocks: 6"})
      for (const char* input : {"false", "true"})
        all.push_back(
            fmt::format("{{name: sparse_mlp, kind: {}, depth: 2, width: 24, structure: {}, "
                        "structured_input: {}}}",
                        kind, structure, input));
  return all;
}

TEST(SparseMlp, CountsItsParametersAndMacs) {
  for (const std::string& yaml : variants()) {
    SCOPED_TRACE(yaml);
    const auto config = read_model(yaml);
    const auto model = build_model(config, side, classes);
    std::map<std::string, std::int64_t> counted;
    for (const auto& item : model->named_parameters())
      counted[item.key().substr(0, item.key().rfind('.'))] += item.value().numel();
    const std::vector<CostRow> rows = config->costs(side, classes);
    std::int64_t products = 0;
    for (const CostRow& row : rows) {
      EXPECT_EQ(row.parameters, counted[row.layer]) << row.layer;
      if (!row.layer.starts_with("layernorms.")) products += row.macs;
    }
    EXPECT_EQ(rows.size(), counted.size());
    if (yaml.find("masked") != std::string::npos && yaml.find("masked_kernel") == std::string::npos)
      continue;  // its product may be dense
    const testing::ProductCount count;
    model->forward(torch::randn({3, 3, side, side}));
    EXPECT_EQ(count.macs(), 3 * products);
  }
}

TEST(SparseMlp, RecognisesEveryStructure) {
  for (const std::string& yaml : variants()) {
    SCOPED_TRACE(yaml);
    const auto config = read_model(yaml);
    const auto model = build_model(config, side, classes);
    std::vector<SafetensorsEntry> entries;
    for (const auto& [name, tensor] : named_tensors(*model))
      entries.push_back({name, "F32", tensor.sizes().vec(), {}});
    const RecognisedModel found = recognise(TensorShapes(entries)).value();
    EXPECT_EQ(found.family, "sparse_mlp");
    std::vector<ConfigNode> overrides;
    for (const auto& [key, value] : found.keys) overrides.push_back(make_override(key, value, "file"));
    const auto again = build_model(load_run_config(std::nullopt, std::move(overrides)).model,
                                   found.image_size, found.classes);
    copy_tensors(named_tensors(*model), named_tensors(*again), "file");
    model->eval(), again->eval();
    const Tensor images = torch::randn({3, 3, side, side});
    EXPECT_TRUE(torch::allclose(model->forward(images), again->forward(images), 1e-5, 1e-6));
  }
}

// The matrix of a masked layer of the model, whole.
Tensor matrix_of(const Model& model, const std::string& layer) {
  const NamedTensors named = named_tensors(model);
  const std::map<std::string, Tensor> tensors(named.begin(), named.end());
  return torch::zeros(tensors.at(layer + ".mask").sizes())
      .masked_scatter(tensors.at(layer + ".mask"), tensors.at(layer + ".values").detach());
}

TEST(SparseMlp, NothingConnectsWhatTheMaskLeavesOut) {
  for (const std::string optimizer : {"lion", "sgd", "adamw"})
    for (const Precision precision : {Precision::fp32, Precision::bf16}) {
      SCOPED_TRACE(optimizer);
      torch::manual_seed(3);
      const auto model = build("density: 0.2");
      const auto optim = testing::read_chosen<OptimizerConfig>(
          optimizer_table(), "{name: " + optimizer + ", lr: 0.01, weight_decay: 0.1}");
      Device device;
      device.precision = precision;
      TrainingStep step(model, optim->build(group_parameters(*model, *optim.config)), device, {});
      const Tensor before = matrix_of(*model, "blocks.1.block.0"), absent = before == 0;
      const Batch batch{.images = torch::randn({32, 3, side, side}),
                        .labels = torch::randint(classes, {32}),
                        .partners = {},
                        .lambda = {}};
      for (int i = 0; i < 4; ++i) ASSERT_TRUE(step(batch, i, 1.0));
      const Tensor after = matrix_of(*model, "blocks.1.block.0");
      EXPECT_EQ(after.masked_select(absent).abs().max().item<double>(), 0);
      EXPECT_GT((after - before).abs().max().item<double>(), 1e-4);
      EXPECT_EQ(absent.sum().item<std::int64_t>(), 24 * 96 - std::llround(0.2 * 24 * 96));
    }
}

TEST(SparseMlp, BothKernelsOfAMaskGiveTheSame) {
  const auto dense = build("density: 0.2, init: torch, masked_kernel: dense"),
             sparse = build("density: 0.2, init: torch, masked_kernel: sparse");
  copy_tensors(named_tensors(*dense), named_tensors(*sparse), "other");
  const Tensor images = torch::randn({5, 3, side, side});
  for (const auto& model : {dense, sparse}) model->forward(images).square().sum().backward();
  for (const auto& item : dense->named_parameters())
    testing::expect_close(sparse->named_parameters()[item.key()].grad(), item.value().grad(), item.key(),
                          1e-4, 1e-5);
}

TEST(SparseMlp, AMaskOfOtherSizeThanItsValuesIsNotLoaded) {
  const auto model = build("density: 0.2");
  NamedTensors tensors;
  for (const auto& [name, tensor] : named_tensors(*model))
    tensors.emplace_back(name, tensor.detach().clone());
  for (auto& [name, tensor] : tensors)
    if (name == "blocks.0.block.0.mask") tensor.fill_(true);
  EXPECT_NE(error_of(ErrorKind::data, [&] { copy_tensors(tensors, named_tensors(*model), "file"); })
                .find("file: the mask 'blocks.0.block.0.mask' has 2304 places, the model has values for 461"),
            std::string::npos);
}

TEST(SparseMlp, StartsAsTheHeaderSays) {
  const auto zero = [](const Model& model, const std::string& name) {
    return model.named_parameters()[name].abs().max().item<double>() == 0;
  };
  const auto structured = build("structure: btt"), torch = build("structure: btt, init: torch"),
             plain = build("structure: btt, skip: false");
  EXPECT_TRUE(zero(*structured, "linear_out.weight"));
  EXPECT_TRUE(zero(*structured, "blocks.1.block.2.left_blocks"));
  EXPECT_FALSE(zero(*structured, "blocks.1.block.2.right_blocks"));
  EXPECT_FALSE(zero(*structured, "blocks.1.block.0.left_blocks"));
  EXPECT_FALSE(zero(*torch, "linear_out.weight"));
  EXPECT_FALSE(zero(*torch, "blocks.1.block.2.left_blocks"));
  EXPECT_FALSE(zero(*plain, "blocks.1.block.2.left_blocks")) << "nothing would come through";
}

// The factor of 24 = 4·6 inputs has a fan-in of 6 and half of the rate's share; a group says a layer's rate.
TEST(SparseMlp, FactorsHaveRatesOfTheirOwnUnderOptimisersWhoseStepsAreTheRates) {
  const auto rate = [](const std::string& keys, const std::string& optimizer, const std::string& name) {
    const auto model = build("structure: btt, rank: 1" + keys);
    const auto optim = testing::read_chosen<OptimizerConfig>(
        optimizer_table(), "{name: " + optimizer + ", lr: 1, groups: [{match: \"blocks.1.*\", lr: 10}]}");
    for (const Parameter& each : group_parameters(*model, *optim.config))
      if (each.name == name) return each.lr;
    return 0.0;
  };
  const std::string factor = ".block.0.right_blocks";
  for (const char* optimizer : {"lion", "adamw"}) {
    EXPECT_EQ(rate("", optimizer, "blocks.0" + factor), 2);
    EXPECT_EQ(rate("", optimizer, "blocks.1" + factor), 20);
    EXPECT_EQ(rate("", optimizer, "blocks.0.block.0.bias"), 1);
    EXPECT_EQ(rate(", factor_rates: false", optimizer, "blocks.0" + factor), 1);
  }
  EXPECT_EQ(rate("", "sgd", "blocks.0" + factor), 1);
}

}  // namespace
}  // namespace smlp
