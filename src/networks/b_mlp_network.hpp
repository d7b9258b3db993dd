#pragma once
#include "smlp/models/b_mlp.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/nn/residual_mlp.hpp"

namespace smlp {

// A B-MLP of linear layers that `make` gives: make("blocks.0.block.2", in, out). Linear is a module holder or
// pointer.
template <class Linear>
class BMlp : public Model {
 public:
  template <class Make>
  BMlp(const BMlpConfig& config, int image_size, int classes, const Make& make);
  torch::Tensor features(const torch::Tensor& images) override;
  torch::Tensor head(const torch::Tensor& features) override { return classify(linear_out_, features); }

 private:
  template <class Make>
  std::vector<Linear> make_layers(const std::string& block, const Make& make) const;
  torch::Tensor block(std::size_t i, const torch::Tensor& z);

 protected:
  BMlpConfig config_;
  Linear linear_in_;
  torch::nn::Linear linear_out_;
  std::vector<std::shared_ptr<StackOf<Linear>>> blocks_;
  std::vector<std::shared_ptr<NormLayer>> norms_;
};

template <class Linear>
template <class Make>
BMlp<Linear>::BMlp(const BMlpConfig& config, int image_size, int classes, const Make& make)
    : config_(config),
      linear_in_(register_module("linear_in", make("linear_in", 3 * image_size * image_size, config.width))),
      linear_out_(register_module("linear_out", torch::nn::Linear(config.width, classes))) {
  auto blocks = register_module("blocks", std::make_shared<torch::nn::Module>());
  auto norms = register_module("layernorms", std::make_shared<torch::nn::Module>());
  for (std::int64_t i = 0; i < config.depth; ++i) {
    const std::string n = std::to_string(i);
    auto block = blocks->register_module(n, std::make_shared<torch::nn::Module>());
    blocks_.push_back(block->register_module(
        "block",
        std::make_shared<StackOf<Linear>>(make_layers("blocks." + n + ".block.", make), config.activation,
                                          /*activate_last=*/!config.bottleneck)));
    norms_.push_back(norms->register_module(n, std::make_shared<NormLayer>(config.norm, config.width)));
  }
}

template <class Linear>
template <class Make>
std::vector<Linear> BMlp<Linear>::make_layers(const std::string& block, const Make& make) const {
  const std::vector<std::int64_t> widths = config_.block_widths();
  std::vector<Linear> layers;
  for (std::size_t k = 0; k + 1 < widths.size(); ++k)
    layers.push_back(make(block + std::to_string(2 * k), widths[k], widths[k + 1]));
  return layers;
}

template <class Linear>
torch::Tensor BMlp<Linear>::block(std::size_t i, const torch::Tensor& z) {
  const bool pre = config_.norm_position == BMlpConfig::NormPosition::pre;
  if (pre && config_.skip) return residual_mlp(z, *norms_[i], *blocks_[i]);
  torch::Tensor out = blocks_[i]->forward(pre ? norms_[i]->forward(z) : z);
  if (config_.skip) out = out + z;
  return pre ? out : norms_[i]->forward(out);
}

template <class Linear>
torch::Tensor BMlp<Linear>::features(const torch::Tensor& images) {
  torch::Tensor z = drop(linear_in_->forward(images.flatten(1)), config_.dropout, is_training());
  for (std::size_t i = 0; i < blocks_.size(); ++i) z = drop(block(i, z), config_.dropout, is_training());
  return z;
}

}  // namespace smlp
