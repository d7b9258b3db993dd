#pragma once
#include <torch/nn/modules/container/any.h>
#include <torch/nn/modules/container/sequential.h>

#include "smlp/models/patch_model.hpp"
#include "smlp/nn/layers.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/nn/patch_layers.hpp"

namespace smlp {

// What the families on patches have in common: stem, blocks and norm on tokens [B, T, width], the mean over
// the tokens, head.
class PatchNetwork : public Model {
 public:
  PatchNetwork(const PatchModelConfig& config, int classes, torch::nn::Sequential blocks,
               torch::nn::AnyModule norm);
  torch::Tensor features(const torch::Tensor& images) override;
  torch::Tensor head(const torch::Tensor& features) override { return classify(head_, features); }
  std::string head_prefix() const override { return "head."; }

 private:
  std::shared_ptr<PatchEmbedding> stem_;
  torch::nn::Sequential blocks_;
  torch::nn::AnyModule norm_;
  torch::nn::Linear head_;
};

// Of config.depth blocks Block(config, tokens).
template <class Block, class Config>
std::shared_ptr<PatchNetwork> patch_network_of(const Config& config, int image_size, int classes,
                                               torch::nn::AnyModule norm) {
  torch::nn::Sequential blocks;
  for (std::int64_t i = 0; i < config.depth; ++i)
    blocks->push_back(std::make_shared<Block>(config, config.tokens(image_size)));
  return std::make_shared<PatchNetwork>(config, classes, std::move(blocks), std::move(norm));
}

// A layer norm as these families have it.
inline std::shared_ptr<NormLayer> token_norm(NormKind kind, std::int64_t width) {
  return std::make_shared<NormLayer>(kind, width, 1e-6);
}

}  // namespace smlp
