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

// A layer norm as these families have it.
inline std::shared_ptr<NormLayer> token_norm(NormKind kind, std::int64_t width) {
  return std::make_shared<NormLayer>(kind, width, 1e-6);
}

}  // namespace smlp
