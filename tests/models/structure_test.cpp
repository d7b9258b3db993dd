#include "smlp/models/structure.hpp"

#include "smlp/models/registry.hpp"
#include "smlp/models/weight_sets.hpp"
#include "support/chosen.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

using testing::error_of;
using Sizes = std::array<std::int64_t, 2>;

TEST(Structure, SizesAreSplitAsThePrimeFactorsAreDealtOut) {
  EXPECT_EQ(split_in_two(1), (Sizes{1, 1}));
  EXPECT_EQ(split_in_two(12), (Sizes{2, 6}));  // 2 | 2 2 → 2 · 3
  EXPECT_EQ(split_in_two(512), (Sizes{16, 32}));
  EXPECT_EQ(split_in_two(3072), (Sizes{32, 96}));
  EXPECT_EQ(split_in_two(97), (Sizes{1, 97}));
}

TEST(Structure, ParametersAndMacsAreTheFormulas) {
  // in = c·d = 16·32, out = a·b = 32·64
  const std::int64_t a = 32, b = 64, c = 16, d = 32, r = 3;
  using enum Structure;
  const auto shape = [](const StructureConfig& config) { return layer_shape(config, 512, 2048); };
  EXPECT_EQ(shape({.structure = btt, .rank = r}).macs, r * (a * b * c + b * c * d));
  EXPECT_EQ(shape({.structure = low_rank, .rank = r}).macs, r * (512 + 2048));
  EXPECT_EQ(shape({.structure = kronecker, .rank = r}).macs, r * (b * c * d + a * b * c));
  // Of 2048 = 32·64 to 512 = 16·32 the other order is the cheaper.
  EXPECT_EQ(layer_shape({.structure = kronecker, .rank = r}, 2048, 512).macs,
            r * (16 * 32 * 64 + 16 * 32 * 64));
  EXPECT_EQ(shape({.structure = block_diagonal, .blocks = 8}).macs, 512 * 2048 / 8);
  EXPECT_EQ(shape({.structure = monarch, .blocks = 8}).macs, 8 * (512 + 2048));
  EXPECT_EQ(shape({.structure = masked, .connections = 777}).macs, 777);
}

TEST(Structure, SizesThatDoNotDivideAreRefusedWithTheNearestThatDo) {
  using enum Structure;
  const auto refusal = [](const StructureConfig& config, std::int64_t in, std::int64_t out) {
    return error_of(ErrorKind::usage, [&] { layer_shape(config, in, out); });
  };
  const auto expect = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(
      refusal({.structure = block_diagonal, .blocks = 5}, 48, 36),
      "model.blocks: 5 does not divide both sizes of a layer of 48 to 36 values; the nearest that does: 6");
  expect(refusal({.structure = monarch, .blocks = 65536}, 48, 36), "the nearest that does: 12");
  expect(refusal({.structure = btt, .rank = 1}, 97, 36), "97");
  expect(refusal({.structure = btt, .rank = 1}, 97, 36), "the nearest that are: 96 and 98");
  expect(refusal({.structure = kronecker, .rank = 1}, 36, 97), "is a prime");
  expect(refusal({.structure = low_rank, .rank = 37}, 48, 36), "model.rank: 37, at most 36");
  expect(refusal({.structure = btt, .rank = 7}, 36, 36), "at most 6");
  expect(refusal({.structure = masked, .connections = 2000}, 48, 36), "has only 1728");
  expect(refusal({.structure = masked, .density = 1e-6}, 48, 36), "leaves no connection");
}

std::int64_t parameters(const std::string& yaml, const std::string& layer) {
  const auto model = testing::read_chosen<ModelConfig>(model_table(), yaml);
  for (const CostRow& row : model->costs(32, 10))
    if (row.layer == layer) return row.parameters;
  return 0;
}

TEST(StructuredModels, ConnectionsAreHeldAsTheWidthGrows) {
  for (const int width : {64, 128, 256}) {
    const std::string model =
        fmt::format("{{name: sparse_mlp, width: {}, structured_input: true, connections: 9000}}", width);
    EXPECT_EQ(parameters(model, "linear_in"), 9000 + width);
    EXPECT_EQ(parameters(model, "blocks.0.block.0"), 9000 + 4 * width);
  }
}

TEST(StructuredModels, TheEmbeddingIsDenseUnlessAskedFor) {
  const std::string model = "{name: sparse_mlp, width: 64, structure: low_rank, rank: 2";
  EXPECT_EQ(parameters(model + "}", "linear_in"), 64 * 3072 + 64);
  EXPECT_EQ(parameters(model + ", structured_input: true}", "linear_in"), 2 * (64 + 3072) + 64);
}

TEST(StructuredModels, PresetsNameAStructure) {
  for (const auto& [name, key, value] : {std::tuple("B-12/1024-btt2", "model.rank", "2"),
                                         {"b-3/64-masked0.05", "model.density", "0.05"},
                                         {"B-6/512-diagonal8", "model.blocks", "8"}}) {
    const KeyValues keys = find_preset(name).value();
    EXPECT_EQ(keys.front().second, "sparse_mlp");
    EXPECT_EQ(keys.back().first, key);
    EXPECT_EQ(keys.back().second, value);
  }
  for (const char* name : {"B-12/1024-btt", "B-12/1024-btt0.5", "B-12/1024-masked3", "B-12/1024-dense1"})
    EXPECT_FALSE(find_preset(name)) << name;
}

// A B-MLP of one block of width 4, its inner width 8, of btt layers.
std::vector<SafetensorsEntry> weights() {
  const auto entry = [](const char* name, std::vector<std::int64_t> shape) {
    return SafetensorsEntry{name, "F32", std::move(shape), {}};
  };
  return {entry("linear_in.weight", {4, 12}),
          entry("linear_in.bias", {4}),
          entry("linear_out.weight", {3, 4}),
          entry("linear_out.bias", {3}),
          entry("blocks.0.block.0.right_blocks", {2, 8, 2}),
          entry("blocks.0.block.0.left_blocks", {4, 2, 4}),
          entry("blocks.0.block.0.bias", {8}),
          entry("blocks.0.block.2.right_blocks", {2, 4, 4}),
          entry("blocks.0.block.2.left_blocks", {2, 2, 4}),
          entry("blocks.0.block.2.bias", {4})};
}

TEST(StructuredModels, WeightsThatContradictTheirStructureAreRefused) {
  ASSERT_EQ(recognise(TensorShapes(weights())).value().family, "sparse_mlp");
  const auto refusal = [](const auto& change) {
    std::vector<SafetensorsEntry> entries = weights();
    change(entries);
    return error_of(ErrorKind::data, [&] { recognise(TensorShapes(entries)); });
  };
  EXPECT_NE(refusal([](auto& e) {
              e[9].shape = {8};
              e[8].shape = {4, 2, 4};
            }).find("blocks.0.block.2"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& e) {
              e[4].shape = {std::int64_t{1} << 40, 8, std::int64_t{1} << 40};
            }).find("which makes no layer"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& e) {
              e[7] = {"blocks.0.block.2.weight", "F32", {4, 8}, {}};
              e.erase(e.begin() + 8);
            }).find("another structure"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& e) { e.erase(e.begin() + 4); }).find("right_blocks is missing"),
            std::string::npos);
}

}  // namespace
}  // namespace smlp
