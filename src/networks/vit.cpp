#include "smlp/models/vit.hpp"

#include "networks.hpp"
#include "patch_network.hpp"
#include "smlp/nn/init.hpp"

namespace smlp {
namespace {

class Attention : public torch::nn::Module {
 public:
  Attention(std::int64_t width, std::int64_t heads)
      : heads_(heads),
        qkv_(register_module("qkv", torch::nn::Linear(width, 3 * width))),
        proj_(register_module("proj", torch::nn::Linear(width, width))) {}

  torch::Tensor forward(const torch::Tensor& x) {  // [B, T, width]
    const std::int64_t tokens = x.size(1), width = x.size(2);
    const auto parts =
        qkv_(x).view({-1, tokens, 3, heads_, width / heads_}).permute({2, 0, 3, 1, 4}).unbind(0);
    const torch::Tensor mixed = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
    return proj_(mixed.transpose(1, 2).reshape({-1, tokens, width}));
  }

 private:
  std::int64_t heads_;
  torch::nn::Linear qkv_, proj_;
};

class VitBlock : public torch::nn::Module {
 public:
  explicit VitBlock(const VitConfig& config)
      : norm1_(register_module("norm1", token_norm(NormKind::layer, config.width))),
        attn_(register_module("attn", std::make_shared<Attention>(config.width, config.heads))),
        norm2_(register_module("norm2", token_norm(NormKind::layer, config.width))),
        mlp_(register_module("mlp", std::make_shared<Mlp>(config.width, config.hidden, config.width))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor mixed = x + attn_->forward(norm1_->forward(x));
    return mixed + mlp_->forward(norm2_->forward(mixed));
  }

 private:
  std::shared_ptr<NormLayer> norm1_;
  std::shared_ptr<Attention> attn_;
  std::shared_ptr<NormLayer> norm2_;
  std::shared_ptr<Mlp> mlp_;
};

class Vit : public Model {
 public:
  Vit(const VitConfig& config, int image_size, int classes);
  torch::Tensor features(const torch::Tensor& images) override;
  torch::Tensor head(const torch::Tensor& features) override { return classify(head_, features); }
  std::string head_prefix() const override { return "head."; }

 private:
  void start();

  torch::Tensor cls_token_, pos_embed_;
  std::shared_ptr<PatchEmbedding> patch_embed_;
  torch::nn::Sequential blocks_;
  std::shared_ptr<NormLayer> norm_;
  torch::nn::Linear head_;
};

Vit::Vit(const VitConfig& config, int image_size, int classes)
    : cls_token_(register_parameter("cls_token", torch::empty({1, 1, config.width}))),
      pos_embed_(
          register_parameter("pos_embed", torch::empty({1, config.tokens(image_size) + 1, config.width}))),
      patch_embed_(
          register_module("patch_embed", std::make_shared<PatchEmbedding>(config.patch_size, config.width))),
      blocks_(register_module("blocks", torch::nn::Sequential())),
      norm_(register_module("norm", token_norm(NormKind::layer, config.width))),
      head_(register_module("head", torch::nn::Linear(config.width, classes))) {
  for (std::int64_t i = 0; i < config.depth; ++i) blocks_->push_back(std::make_shared<VitBlock>(config));
  start();
}

// The patches' embedding begins as PyTorch's convolutions do.
void Vit::start() {
  normal_(cls_token_, 1e-6);
  normal_(pos_embed_, 0.02);
  for (const auto& item : named_parameters()) {
    const bool linear =
        item.key().find("norm") == std::string::npos && item.key().find("embed") == std::string::npos;
    if (linear && item.key().ends_with(".weight")) normal_(item.value(), 0.02);
    if (linear && item.key().ends_with(".bias")) fill_(item.value(), 0);
  }
}

torch::Tensor Vit::features(const torch::Tensor& images) {
  const torch::Tensor patches = patch_embed_->forward(images);
  const torch::Tensor tokens =
      at::cat({cls_token_.expand({images.size(0), -1, -1}), patches}, 1) + pos_embed_;
  return norm_->forward(blocks_->forward(tokens)).select(1, 0);
}

}  // namespace

std::shared_ptr<Model> build_vit(const ModelConfig& config, int image_size, int classes) {
  return std::make_shared<Vit>(dynamic_cast<const VitConfig&>(config), image_size, classes);
}

}  // namespace smlp
