#include "mixing.hpp"

#include "smlp/nn/init.hpp"

namespace smlp {

MixingLayers::MixingLayers(torch::nn::Module& block, const MixerConfig& config, std::int64_t tokens)
    : norm1(block.register_module("norm1", token_norm(config.norm, config.width))),
      mlp_tokens(
          block.register_module("mlp_tokens", std::make_shared<Mlp>(tokens, config.token_hidden, tokens))),
      norm2(block.register_module("norm2", token_norm(config.norm, config.width))),
      mlp_channels(block.register_module(
          "mlp_channels", std::make_shared<Mlp>(config.width, config.channel_hidden, config.width))) {}

void start_mixer(PatchNetwork& model) {
  for (const auto& item : model.named_parameters()) {
    if (item.key().find("norm") != std::string::npos) continue;
    if (item.key().starts_with("head.") || item.key().ends_with("bias"))
      fill_(item.value(), 0);
    else
      lecun_normal_(item.value());
  }
}

}  // namespace smlp
