#include "smlp/models/b_mlp.hpp"

#include "networks.hpp"
#include "smlp/nn/residual_mlp.hpp"

namespace smlp {
namespace {

class BMlp : public Model {
 public:
  BMlp(const BMlpConfig& config, int image_size, int classes);
  torch::Tensor features(const torch::Tensor& images) override;
  torch::Tensor head(const torch::Tensor& features) override { return classify(linear_out_, features); }

 private:
  torch::Tensor block(std::size_t i, const torch::Tensor& z);

  BMlpConfig config_;
  torch::nn::Linear linear_in_, linear_out_;
  std::vector<std::shared_ptr<LinearStack>> blocks_;
  std::vector<std::shared_ptr<NormLayer>> norms_;
};

BMlp::BMlp(const BMlpConfig& config, int image_size, int classes)
    : config_(config),
      linear_in_(register_module("linear_in", torch::nn::Linear(3 * image_size * image_size, config.width))),
      linear_out_(register_module("linear_out", torch::nn::Linear(config.width, classes))) {
  auto blocks = register_module("blocks", std::make_shared<torch::nn::Module>());
  auto norms = register_module("layernorms", std::make_shared<torch::nn::Module>());
  for (std::int64_t i = 0; i < config.depth; ++i) {
    auto block = blocks->register_module(std::to_string(i), std::make_shared<torch::nn::Module>());
    blocks_.push_back(block->register_module(
        "block", std::make_shared<LinearStack>(config.block_widths(), config.activation,
                                               /*activate_last=*/!config.bottleneck)));
    norms_.push_back(
        norms->register_module(std::to_string(i), std::make_shared<NormLayer>(config.norm, config.width)));
  }
}

torch::Tensor BMlp::block(std::size_t i, const torch::Tensor& z) {
  const bool pre = config_.norm_position == BMlpConfig::NormPosition::pre;
  if (pre && config_.skip) return residual_mlp(z, *norms_[i], *blocks_[i]);
  torch::Tensor out = blocks_[i]->forward(pre ? norms_[i]->forward(z) : z);
  if (config_.skip) out = out + z;
  return pre ? out : norms_[i]->forward(out);
}

torch::Tensor BMlp::features(const torch::Tensor& images) {
  torch::Tensor z = drop(linear_in_->forward(images.flatten(1)), config_.dropout, is_training());
  for (std::size_t i = 0; i < blocks_.size(); ++i) z = drop(block(i, z), config_.dropout, is_training());
  return z;
}

}  // namespace

std::shared_ptr<Model> build_b_mlp(const ModelConfig& config, int image_size, int classes) {
  return std::make_shared<BMlp>(dynamic_cast<const BMlpConfig&>(config), image_size, classes);
}

}  // namespace smlp
