#include "smlp/models/rp_mixer.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include "mixing.hpp"
#include "networks.hpp"

namespace smlp {
namespace {

// x [B, n] → y with y[b, i] = x[b, order[i]]. Its gradient is gathered too, in the inverse order: adding to
// places that are taken from is not deterministic on CUDA.
class Permute : public torch::autograd::Function<Permute> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& order) {
    context->save_for_backward({order});
    return x.index_select(1, order);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const torch::Tensor order = context->get_saved_variables()[0];
    const torch::Tensor places = torch::arange(order.size(0), order.options());
    const torch::Tensor inverse = torch::empty_like(order).scatter_(0, order, places);
    return {gradients[0].index_select(1, inverse), torch::Tensor()};
  }
};

class RpMixerBlock : public torch::nn::Module {
 public:
  RpMixerBlock(const MixerConfig& config, std::int64_t tokens) : layers_(*this, config, tokens) {
    std::vector<torch::Tensor> orders;
    for (int i = 0; i < 4; ++i) orders.push_back(torch::randperm(tokens * config.width, torch::kInt64));
    permutations_ = register_buffer("permutations", torch::stack(orders));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const std::int64_t tokens = x.size(1), width = x.size(2);
    const torch::Tensor mixed =
        x + mix(layers_.norm1->forward(x), *layers_.mlp_tokens, {-1, width, tokens}, 0);
    return mixed + mix(layers_.norm2->forward(mixed), *layers_.mlp_channels, {-1, tokens, width}, 2);
  }

 private:
  // shape: what the MLP sees between its two permutations, of which `first` is the one before it.
  torch::Tensor mix(const torch::Tensor& x, Mlp& mlp, torch::IntArrayRef shape, std::int64_t first) {
    const torch::Tensor before = Permute::apply(x.flatten(1), permutations_[first]);
    const torch::Tensor after = mlp.forward(before.view(shape)).flatten(1);
    return Permute::apply(after, permutations_[first + 1]).view(x.sizes());
  }

  MixingLayers layers_;
  torch::Tensor permutations_;
};

}  // namespace

std::shared_ptr<Model> build_rp_mixer(const ModelConfig& config, int image_size, int classes) {
  return mixer_of<RpMixerBlock>(dynamic_cast<const MixerConfig&>(config), image_size, classes);
}

}  // namespace smlp
