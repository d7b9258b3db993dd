#include "smlp/models/mixer.hpp"

#include "networks.hpp"
#include "patch_network.hpp"
#include "smlp/nn/init.hpp"

namespace smlp {
namespace {

class MixerBlock : public torch::nn::Module {
 public:
  MixerBlock(const MixerConfig& config, std::int64_t tokens)
      : norm1_(register_module("norm1", token_norm(config.width))),
        mlp_tokens_(
            register_module("mlp_tokens", std::make_shared<Mlp>(tokens, config.token_hidden, tokens))),
        norm2_(register_module("norm2", token_norm(config.width))),
        mlp_channels_(register_module(
            "mlp_channels", std::make_shared<Mlp>(config.width, config.channel_hidden, config.width))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor mixed = x + mlp_tokens_->forward(norm1_->forward(x).transpose(1, 2)).transpose(1, 2);
    return mixed + mlp_channels_->forward(norm2_->forward(mixed));
  }

 private:
  std::shared_ptr<NormLayer> norm1_;
  std::shared_ptr<Mlp> mlp_tokens_;
  std::shared_ptr<NormLayer> norm2_;
  std::shared_ptr<Mlp> mlp_channels_;
};

}  // namespace

std::shared_ptr<Model> build_mixer(const ModelConfig& config, int image_size, int classes) {
  const auto& c = dynamic_cast<const MixerConfig&>(config);
  torch::nn::Sequential blocks;
  for (std::int64_t i = 0; i < c.depth; ++i)
    blocks->push_back(std::make_shared<MixerBlock>(c, c.tokens(image_size)));
  auto model = std::make_shared<PatchNetwork>(c, classes, blocks, torch::nn::AnyModule(token_norm(c.width)));
  for (const auto& item : model->named_parameters()) {
    const bool norm = item.key().find("norm") != std::string::npos;
    if (item.key().starts_with("head.") || (!norm && item.key().ends_with("bias")))
      fill_(item.value(), 0);
    else if (!norm)
      lecun_normal_(item.value());
  }
  return model;
}

}  // namespace smlp
