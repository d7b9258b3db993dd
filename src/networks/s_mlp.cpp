#include "smlp/models/s_mlp.hpp"

#include "networks.hpp"
#include "smlp/core/error.hpp"
#include "smlp/nn/folding.hpp"

namespace smlp {
namespace {

class SMlp : public Model {
 public:
  SMlp(const SMlpConfig& config, int image_size, int classes);
  torch::Tensor features(const torch::Tensor& images) override;
  torch::Tensor head(const torch::Tensor& features) override { return classify(linear_out_, features); }
  void merge_into(const SMlp& merged) const;

 private:
  SMlpConfig config_;
  torch::nn::Linear linear_in_, linear_out_;
  std::vector<torch::nn::Linear> layers_;
  std::vector<std::shared_ptr<NormLayer>> norms_;
};

SMlp::SMlp(const SMlpConfig& config, int image_size, int classes)
    : config_(config),
      linear_in_(register_module("linear_in", torch::nn::Linear(3 * image_size * image_size, config.width))),
      linear_out_(register_module("linear_out", torch::nn::Linear(config.width, classes))) {
  auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
  auto norms = register_module("layernorms", std::make_shared<torch::nn::Module>());
  for (std::int64_t i = 0; i + 1 < config.depth; ++i) {
    const std::string n = std::to_string(i);
    layers_.push_back(layers->register_module(n, torch::nn::Linear(config.width, config.width)));
    norms_.push_back(norms->register_module(n, std::make_shared<NormLayer>(config.norm, config.width)));
  }
}

torch::Tensor SMlp::features(const torch::Tensor& images) {
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

// A norm goes into the linear layer that it follows, or where there is no activation between, that follows
// it.
void SMlp::merge_into(const SMlp& merged) const {
  copy_common(*this, merged);
  const bool after = config_.block_order == SMlpConfig::BlockOrder::norm_act_linear;
  for (std::size_t i = 0; i < norms_.size(); ++i)
    if (after)
      fold_after(i == 0 ? linear_in_ : layers_[i - 1], *norms_[i],
                 i == 0 ? merged.linear_in_ : merged.layers_[i - 1]);
    else
      fold_before(*norms_[i], layers_[i], merged.layers_[i]);
}

}  // namespace

std::shared_ptr<Model> build_s_mlp(const ModelConfig& config, int image_size, int classes) {
  return std::make_shared<SMlp>(dynamic_cast<const SMlpConfig&>(config), image_size, classes);
}

std::shared_ptr<Model> merge_s_mlp(const Model& model, ModelConfig& config, int image_size, int classes) {
  auto& keys = dynamic_cast<SMlpConfig&>(config);
  if (keys.norm != NormKind::batch)
    fail(ErrorKind::usage, "only norms of an s_mlp with model.norm: batch fold into its linear layers");
  keys.norm = NormKind::none;
  auto merged = std::make_shared<SMlp>(keys, image_size, classes);
  dynamic_cast<const SMlp&>(model).merge_into(*merged);
  return merged;
}

}  // namespace smlp
