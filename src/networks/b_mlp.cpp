#include "smlp/models/b_mlp.hpp"

#include "networks.hpp"
#include "smlp/core/error.hpp"
#include "smlp/nn/folding.hpp"
#include "smlp/nn/residual_mlp.hpp"

namespace smlp {
namespace {

class BMlp : public Model {
 public:
  BMlp(const BMlpConfig& config, int image_size, int classes);
  torch::Tensor features(const torch::Tensor& images) override;
  torch::Tensor head(const torch::Tensor& features) override { return classify(linear_out_, features); }
  void merge_into(const BMlp& merged) const;

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

// Every norm goes into the linear layer after it: of its own block, or of what follows the block.
void BMlp::merge_into(const BMlp& merged) const {
  copy_common(*this, merged);
  const auto layer = [](const BMlp& model, std::size_t i) -> const torch::nn::Linear& {
    return i < model.blocks_.size() ? model.blocks_[i]->linear(0) : model.linear_out_;
  };
  const std::size_t later = config_.norm_position == BMlpConfig::NormPosition::post ? 1 : 0;
  for (std::size_t i = 0; i < norms_.size(); ++i)
    fold_before(*norms_[i], layer(*this, i + later), layer(merged, i + later));
}

}  // namespace

std::shared_ptr<Model> build_b_mlp(const ModelConfig& config, int image_size, int classes) {
  return std::make_shared<BMlp>(dynamic_cast<const BMlpConfig&>(config), image_size, classes);
}

std::shared_ptr<Model> merge_b_mlp(const Model& model, ModelConfig& config, int image_size, int classes) {
  auto& keys = dynamic_cast<BMlpConfig&>(config);
  if (keys.norm != NormKind::batch)
    fail(ErrorKind::usage, "only norms of a b_mlp with model.norm: batch fold into its linear layers");
  if (keys.skip && keys.norm_position == BMlpConfig::NormPosition::post)
    fail(ErrorKind::usage,
         "model.norm_position: post with model.skip: what is normalised is also added, past the linear "
         "layers, so that these cannot take the norm in");
  keys.norm = NormKind::none;
  auto merged = std::make_shared<BMlp>(keys, image_size, classes);
  dynamic_cast<const BMlp&>(model).merge_into(*merged);
  return merged;
}

}  // namespace smlp
