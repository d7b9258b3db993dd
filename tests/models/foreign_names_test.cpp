#include "smlp/models/foreign_names.hpp"

#include <gtest/gtest.h>

#include "smlp/models/tensor_layout.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

using Shape = std::vector<std::int64_t>;

TEST(TensorLayout, PermutesJoinsAndAddsDimensions) {
  EXPECT_EQ(TensorLayout("h w i o -> o i h w").order(), (Shape{3, 2, 0, 1}));
  EXPECT_EQ(TensorLayout("h w i o -> o i h w").shape({4, 5, 3, 7}), (Shape{7, 3, 4, 5}));
  EXPECT_EQ(TensorLayout("i h e -> (h e) i").shape({8, 2, 3}), (Shape{6, 8}));
  EXPECT_EQ(TensorLayout("h e o -> o (h e)").order(), (Shape{2, 0, 1}));
  EXPECT_EQ(TensorLayout("d -> 1 1 d").shape({9}), (Shape{1, 1, 9}));
  EXPECT_EQ(TensorLayout("d -> 1 1 d").shape({9, 1}), std::nullopt);
  EXPECT_EQ(TensorLayout("h e -> (h e)").shape({std::int64_t{1} << 40, std::int64_t{1} << 40}), std::nullopt);
}

// Of a model with a tensor of each kind, the shapes that `changed` replaces.
std::optional<RecognisedModel> facebook(const std::string& changed = "", const Shape& shape = {}) {
  std::vector<SafetensorsEntry> entries;
  const auto add = [&](const std::string& name, const Shape& own) {
    entries.push_back({name, "F32", name == changed ? shape : own, {}});
  };
  add("patch_embed.proj.weight", {8, 3, 4, 4});
  add("blocks.0.norm1.alpha", {8});
  add("blocks.0.attn.weight", {4, 4});
  add("blocks.0.gamma_1", {8});
  add("blocks.0.mlp.fc1.weight", {12, 8});
  add("blocks.0.mlp.fc2.weight", {8, 12});
  add("head.weight", {5, 8});
  return recognise_foreign(TensorShapes(entries));
}

TEST(ForeignNames, EveryTensorSaysWhereItIsAndHowItLies) {
  const auto model = facebook();
  ASSERT_TRUE(model);
  EXPECT_EQ(model->family, "resmlp");
  EXPECT_EQ(model->origin, "facebook");
  EXPECT_EQ(model->image_size, 8);
  std::map<std::string, TensorSource> by_name;
  for (const TensorSource& each : model->tensors) by_name[each.name] = each;
  EXPECT_EQ(by_name.at("stem.proj.weight").sources, std::vector<std::string>{"patch_embed.proj.weight"});
  EXPECT_EQ(by_name.at("blocks.0.linear_tokens.weight").layout, "");
  EXPECT_EQ(by_name.at("blocks.0.norm1.alpha").layout, "d -> 1 1 d");
  EXPECT_TRUE(by_name.contains("blocks.0.ls1"));
}

TEST(ForeignNames, ContradictionsAreRefusedByName) {
  const auto refusal = [](const std::string& name, const Shape& shape) {
    return testing::error_of(ErrorKind::data, [&] { facebook(name, shape); });
  };
  EXPECT_NE(refusal("blocks.0.norm1.alpha", {1, 1, 8}).find("blocks.0.norm1.alpha is [1, 1, 8]"),
            std::string::npos);
  EXPECT_NE(refusal("blocks.0.mlp.fc2.weight", {8, 13}).find("mlp_channels.fc2.weight is [8, 13]"),
            std::string::npos);
}

}  // namespace
}  // namespace smlp
