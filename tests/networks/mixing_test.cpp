// What a Mixer is: a wide MLP of Kronecker weights (arXiv 2306.01470).
#include "smlp/models/registry.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/train/tensor_file.hpp"
#include "support/errors.hpp"
#include "support/golden_tensors.hpp"

namespace smlp {
namespace {

using testing::expect_close;
using torch::Tensor;

constexpr int side = 3, tokens = side * side, width = 4, classes = 5;

// One block on patches of one pixel, so that a token's inputs are a pixel's channels.
std::shared_ptr<Model> build(const std::string& yaml) {
  const auto model = build_model(testing::read_chosen<ModelConfig>(model_table(), yaml), side, classes);
  const torch::NoGradGuard no_grad;
  for (const auto& item : model->named_parameters()) item.value().normal_(0, 0.5);
  return model;
}

std::string one_block(const std::string& family, const std::string& norm) {
  return fmt::format(
      "{{name: {}, patch_size: 1, depth: 1, width: {}, token_hidden: {}, channel_hidden: {}, norm: {}}}",
      family, width, 2 * tokens, 2 * width, norm);
}

std::map<std::string, Tensor> tensors_of(const Model& model) {
  const NamedTensors named = named_tensors(model);
  return {named.begin(), named.end()};
}

// Of the token-mixing layer, whose vectors are rows of [T, width] laid out row by row, a layer of weight W is
// W ⊗ I; of channel mixing I ⊗ W.
TEST(Mixing, WithoutNormsAMixerBlockIsTwoBottleneckBlocksOfKroneckerWeights) {
  const auto mixer = build(one_block("mixer", "none"));
  const auto wide =
      build(fmt::format("{{name: b_mlp, depth: 2, width: {}, expansion: 2, norm: none}}", tokens * width));
  const auto from = tensors_of(*mixer), into = tensors_of(*wide);
  const Tensor per_token = torch::eye(tokens), per_feature = torch::eye(width);
  {
    const torch::NoGradGuard no_grad;
    // An image's values lie channel by channel: entry (t, f), (c, t') of the embedding.
    const Tensor stem = from.at("stem.proj.weight").flatten(1);
    into.at("linear_in.weight")
        .copy_((stem.view({1, width, 3, 1}) * per_token.view({tokens, 1, 1, tokens}))
                   .reshape({tokens * width, 3 * tokens}));
    into.at("linear_in.bias").copy_(from.at("stem.proj.bias").repeat({tokens}));
    for (const auto& [layer, name] : {std::pair("0", "fc1"), std::pair("2", "fc2")}) {
      const std::string of_tokens = fmt::format("blocks.0.mlp_tokens.{}.", name),
                        of_channels = fmt::format("blocks.0.mlp_channels.{}.", name);
      const std::string first = fmt::format("blocks.0.block.{}.", layer),
                        second = fmt::format("blocks.1.block.{}.", layer);
      into.at(first + "weight").copy_(torch::kron(from.at(of_tokens + "weight"), per_feature));
      into.at(first + "bias").copy_(from.at(of_tokens + "bias").repeat_interleave(width));
      into.at(second + "weight").copy_(torch::kron(per_token, from.at(of_channels + "weight")));
      into.at(second + "bias").copy_(from.at(of_channels + "bias").repeat({tokens}));
    }
  }
  const Tensor images = torch::randn({6, 3, side, side});
  const Tensor expected = wide->features(images).view({6, tokens, width}).mean(1);
  expect_close(mixer->features(images), expected, "features", 1e-5,
               1e-6 * expected.abs().max().item<double>());
}

void set_orders(const Model& model, const std::vector<Tensor>& orders) {
  tensors_of(model).at("blocks.0.permutations").copy_(torch::stack(orders));
}

TEST(Mixing, WithTheCommutationARandomPermutedMixerIsAMixer) {
  const auto mixer = build(one_block("mixer", "layer")), permuted = build(one_block("rp_mixer", "layer"));
  const auto from = tensors_of(*mixer);
  const Tensor places = torch::arange(tokens * width);
  {
    const torch::NoGradGuard no_grad;
    for (const auto& item : permuted->named_parameters()) item.value().copy_(from.at(item.key()));
  }
  const Tensor images = torch::randn({6, 3, side, side});
  EXPECT_FALSE(torch::allclose(permuted->forward(images), mixer->forward(images), 1e-2, 1e-2));
  set_orders(*permuted, {places.view({tokens, width}).t().flatten(),
                         places.view({width, tokens}).t().flatten(), places, places});
  const auto gradients = [&](Model& model) {
    model.zero_grad();
    model.forward(images).square().sum().backward();
    return model.named_parameters();
  };
  expect_close(permuted->forward(images), mixer->forward(images), "logits", 1e-5, 1e-5);
  const auto expected = gradients(*mixer), found = gradients(*permuted);
  for (const auto& item : expected) expect_close(found[item.key()].grad(), item.value().grad(), item.key());
}

TEST(Mixing, PermutationsAreDrawnFromTheSeedForEachLayer) {
  const std::string yaml = one_block("rp_mixer", "layer");
  const auto drawn = [&](int seed) {
    torch::manual_seed(seed);
    return tensors_of(*build(yaml)).at("blocks.0.permutations");
  };
  const Tensor first = drawn(1);
  EXPECT_TRUE(torch::equal(first, drawn(1)));
  EXPECT_FALSE(torch::equal(first, drawn(2)));
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(torch::equal(std::get<0>(first[i].sort()), torch::arange(tokens * width)));
    for (int j = 0; j < i; ++j) EXPECT_FALSE(torch::equal(first[i], first[j]));
  }
}

TEST(Mixing, WhatIsNoPermutationIsNotLoaded) {
  const auto model = build(one_block("rp_mixer", "layer"));
  NamedTensors tensors;
  for (const auto& [name, tensor] : named_tensors(*model)) tensors.emplace_back(name, tensor.clone());
  tensors.back().second[2][7] = tokens * width;
  EXPECT_NE(testing::error_of(ErrorKind::data, [&] { copy_tensors(tensors, named_tensors(*model), "file"); })
                .find("file: 'blocks.0.permutations' holds no permutations"),
            std::string::npos);
}

}  // namespace
}  // namespace smlp
