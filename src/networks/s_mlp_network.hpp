#pragma once
#include "smlp/models/s_mlp.hpp"
#include "smlp/nn/layers.hpp"
#include "smlp/nn/model.hpp"

namespace smlp {

// An S-MLP of linear layers that `make` gives: make("layers.0", in, out). Linear is a module holder or
// pointer.
template <class Linear>
class SMlp : public Model {
 public:
  template <class Make>
  SMlp(const SMlpConfig& config, int image_size, int classes, const Make& make);
  torch::Tensor features(const torch::Tensor& images) override;
  torch::Tensor head(const torch::Tensor& features) override { return classify(linear_out_, features); }

 protected:
  SMlpConfig config_;
  Linear linear_in_;
  torch::nn::Linear linear_out_;
  std::vector<Linear> layers_;
  std::vector<std::shared_ptr<NormLayer>> norms_;
};

template <class Linear>
template <class Make>
SMlp<Linear>::SMlp(const SMlpConfig& config, int image_size, int classes, const Make& make)
    : config_(config),
      linear_in_(register_module("linear_in", make("linear_in", 3 * image_size * image_size, config.width))),
      linear_out_(register_module("linear_out", torch::nn::Linear(config.width, classes))) {
  auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
  auto norms = register_module("layernorms", std::make_shared<torch::nn::Module>());
  for (std::int64_t i = 0; i + 1 < config.depth; ++i) {
    const std::string n = std::to_string(i);
    layers_.push_back(layers->register_module(n, make("layers." + n, config.width, config.width)));
    norms_.push_back(norms->register_module(n, std::make_shared<NormLayer>(config.norm, config.width)));
  }
}

template <class Linear>
torch::Tensor SMlp<Linear>::features(const torch::Tensor& images) {
  torch::Tensor z = drop(linear_in_->forward(images.flatten(1)), config_.dropout, is_training());
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    z = norms_[i]->forward(z);
    if (config_.block_order == SMlpConfig::BlockOrder::norm_act_linear)
      z = layers_[i]->forward(activate(z, config_.activation));
    else
      z = activate(layers_[i]->forward(z), config_.activation);
    z = drop(z, config_.dropout, is_training());
  }
  return z;
}

}  // namespace smlp
