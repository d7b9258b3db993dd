#include "b_mlp_network.hpp"
#include "networks.hpp"
#include "smlp/core/error.hpp"
#include "smlp/nn/folding.hpp"

namespace smlp {
namespace {

class DenseBMlp : public BMlp<torch::nn::Linear> {
 public:
  DenseBMlp(const BMlpConfig& config, int image_size, int classes)
      : BMlp(config, image_size, classes, [](const std::string&, std::int64_t in, std::int64_t out) {
          return torch::nn::Linear(in, out);
        }) {}
  void merge_into(const DenseBMlp& merged) const;
};

// Every norm goes into the linear layer after it: of its own block, or of what follows the block.
void DenseBMlp::merge_into(const DenseBMlp& merged) const {
  copy_common(*this, merged);
  const auto layer = [](const DenseBMlp& model, std::size_t i) -> const torch::nn::Linear& {
    return i < model.blocks_.size() ? model.blocks_[i]->linear(0) : model.linear_out_;
  };
  const std::size_t later = config_.norm_position == BMlpConfig::NormPosition::post ? 1 : 0;
  for (std::size_t i = 0; i < norms_.size(); ++i)
    fold_before(*norms_[i], layer(*this, i + later), layer(merged, i + later));
}

}  // namespace

std::shared_ptr<Model> build_b_mlp(const ModelConfig& config, int image_size, int classes) {
  return std::make_shared<DenseBMlp>(dynamic_cast<const BMlpConfig&>(config), image_size, classes);
}

std::shared_ptr<Model> merge_b_mlp(const Model& model, ModelConfig& config, int image_size, int classes) {
  auto& keys = dynamic_cast<BMlpConfig&>(config);
  if (keys.norm != NormKind::batch)
    fail(ErrorKind::usage,
         "only norms of a b_mlp with model.norm: batch fold into its linear layers, its norm is {}",
         keys.norm == NormKind::none ? "none (is it merged already?)" : "layer");
  if (keys.skip && keys.norm_position == BMlpConfig::NormPosition::post)
    fail(ErrorKind::usage,
         "model.norm_position: post with model.skip: what is normalised is also added, past the linear "
         "layers, so that these cannot take the norm in");
  keys.norm = NormKind::none;
  auto merged = std::make_shared<DenseBMlp>(keys, image_size, classes);
  dynamic_cast<const DenseBMlp&>(model).merge_into(*merged);
  return merged;
}

}  // namespace smlp
