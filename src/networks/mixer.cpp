#include "smlp/models/mixer.hpp"

#include "mixing.hpp"
#include "networks.hpp"
#include "patch_network.hpp"

namespace smlp {
namespace {

class MixerBlock : public torch::nn::Module {
 public:
  MixerBlock(const MixerConfig& config, std::int64_t tokens) : layers_(*this, config, tokens) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor mixed =
        x + layers_.mlp_tokens->forward(layers_.norm1->forward(x).transpose(1, 2)).transpose(1, 2);
    return mixed + layers_.mlp_channels->forward(layers_.norm2->forward(mixed));
  }

 private:
  MixingLayers layers_;
};

}  // namespace

std::shared_ptr<Model> build_mixer(const ModelConfig& config, int image_size, int classes) {
  return mixer_of<MixerBlock>(dynamic_cast<const MixerConfig&>(config), image_size, classes);
}

}  // namespace smlp
