#include "smlp/models/gmlp.hpp"

#include "networks.hpp"
#include "patch_network.hpp"
#include "smlp/nn/init.hpp"

namespace smlp {
namespace {

// U ⊙ (W·LN(V) + b), W over the tokens, for [U, V] of [B, T, 2·width].
class SpatialGatingUnit : public torch::nn::Module {
 public:
  SpatialGatingUnit(std::int64_t width, std::int64_t tokens)
      : norm_(register_module("norm", std::make_shared<NormLayer>(NormKind::layer, width))),
        proj_(register_module("proj", torch::nn::Linear(tokens, tokens))) {
    normal_(proj_->weight, 1e-6);
    fill_(proj_->bias, 1);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const auto halves = x.chunk(2, -1);
    return halves[0] * proj_(norm_->forward(halves[1]).transpose(1, 2)).transpose(1, 2);
  }

 private:
  std::shared_ptr<NormLayer> norm_;
  torch::nn::Linear proj_;
};

class GatedMlp : public torch::nn::Module {
 public:
  GatedMlp(std::int64_t width, std::int64_t hidden, std::int64_t tokens)
      : fc1_(register_module("fc1", torch::nn::Linear(width, hidden))),
        gate_(register_module("gate", std::make_shared<SpatialGatingUnit>(hidden / 2, tokens))),
        fc2_(register_module("fc2", torch::nn::Linear(hidden / 2, width))) {
    for (torch::nn::Linear* each : {&fc1_, &fc2_}) {
      xavier_uniform_((*each)->weight);
      normal_((*each)->bias, 1e-6);
    }
  }

  torch::Tensor forward(const torch::Tensor& x) { return fc2_(gate_->forward(at::gelu(fc1_(x)))); }

 private:
  torch::nn::Linear fc1_;
  std::shared_ptr<SpatialGatingUnit> gate_;
  torch::nn::Linear fc2_;
};

class GMlpBlock : public torch::nn::Module {
 public:
  GMlpBlock(const GMlpConfig& config, std::int64_t tokens)
      : norm_(register_module("norm", token_norm(NormKind::layer, config.width))),
        mlp_channels_(register_module("mlp_channels",
                                      std::make_shared<GatedMlp>(config.width, config.hidden, tokens))) {}

  torch::Tensor forward(const torch::Tensor& x) { return x + mlp_channels_->forward(norm_->forward(x)); }

 private:
  std::shared_ptr<NormLayer> norm_;
  std::shared_ptr<GatedMlp> mlp_channels_;
};

}  // namespace

std::shared_ptr<Model> build_gmlp(const ModelConfig& config, int image_size, int classes) {
  const auto& c = dynamic_cast<const GMlpConfig&>(config);
  auto model = patch_network_of<GMlpBlock>(c, image_size, classes,
                                           torch::nn::AnyModule(token_norm(NormKind::layer, c.width)));
  for (const auto& item : model->named_parameters())
    if (item.key().starts_with("head.") || item.key() == "stem.proj.bias")
      fill_(item.value(), 0);
    else if (item.key() == "stem.proj.weight")
      lecun_normal_(item.value());
  return model;
}

}  // namespace smlp
