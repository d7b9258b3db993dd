#pragma once
// What `mixer` and `rp_mixer` share.
#include <memory>

#include "patch_network.hpp"
#include "smlp/models/mixer.hpp"

namespace smlp {

// The layers of a block, registered in it under timm's names.
struct MixingLayers {
  MixingLayers(torch::nn::Module& block, const MixerConfig& config, std::int64_t tokens);

  std::shared_ptr<NormLayer> norm1;
  std::shared_ptr<Mlp> mlp_tokens;
  std::shared_ptr<NormLayer> norm2;
  std::shared_ptr<Mlp> mlp_channels;
};

// LeCun normal weights, biases and head zero.
void start_mixer(PatchNetwork& model);

template <class Block>
std::shared_ptr<Model> mixer_of(const MixerConfig& config, int image_size, int classes) {
  auto model = patch_network_of<Block>(config, image_size, classes,
                                       torch::nn::AnyModule(token_norm(config.norm, config.width)));
  start_mixer(*model);
  return model;
}

}  // namespace smlp
