#include "smlp/models/resmlp.hpp"

#include "networks.hpp"
#include "patch_network.hpp"
#include "smlp/nn/init.hpp"

namespace smlp {
namespace {

// alpha ⊙ x + beta for x [B, T, width]
class Affine : public torch::nn::Module {
 public:
  explicit Affine(std::int64_t width)
      : alpha_(register_parameter("alpha", torch::ones({1, 1, width}))),
        beta_(register_parameter("beta", torch::zeros({1, 1, width}))) {}
  torch::Tensor forward(const torch::Tensor& x) { return at::addcmul(beta_, alpha_, x); }

 private:
  torch::Tensor alpha_, beta_;
};

class ResMlpBlock : public torch::nn::Module {
 public:
  ResMlpBlock(const ResMlpConfig& config, std::int64_t tokens)
      : ls1_(register_parameter("ls1", torch::full({config.width}, config.first_scale()))),
        ls2_(register_parameter("ls2", torch::full({config.width}, config.first_scale()))),
        norm1_(register_module("norm1", std::make_shared<Affine>(config.width))),
        linear_tokens_(register_module("linear_tokens", torch::nn::Linear(tokens, tokens))),
        norm2_(register_module("norm2", std::make_shared<Affine>(config.width))),
        mlp_channels_(register_module("mlp_channels",
                                      std::make_shared<Mlp>(config.width, config.hidden, config.width))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor mixed = x + ls1_ * linear_tokens_(norm1_->forward(x).transpose(1, 2)).transpose(1, 2);
    return mixed + ls2_ * mlp_channels_->forward(norm2_->forward(mixed));
  }

 private:
  torch::Tensor ls1_, ls2_;
  std::shared_ptr<Affine> norm1_;
  torch::nn::Linear linear_tokens_;
  std::shared_ptr<Affine> norm2_;
  std::shared_ptr<Mlp> mlp_channels_;
};

}  // namespace

std::shared_ptr<Model> build_resmlp(const ModelConfig& config, int image_size, int classes) {
  const auto& c = dynamic_cast<const ResMlpConfig&>(config);
  auto model = patch_network_of<ResMlpBlock>(c, image_size, classes,
                                             torch::nn::AnyModule(std::make_shared<Affine>(c.width)));
  for (const auto& item : model->named_parameters()) {
    if (item.key().starts_with("stem.")) continue;
    if (item.key().ends_with(".weight")) normal_(item.value(), 0.02);
    if (item.key().ends_with(".bias")) fill_(item.value(), 0);
  }
  return model;
}

}  // namespace smlp
