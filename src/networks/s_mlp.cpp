#include "networks.hpp"
#include "s_mlp_network.hpp"
#include "smlp/core/error.hpp"
#include "smlp/nn/folding.hpp"

namespace smlp {
namespace {

class DenseSMlp : public SMlp<torch::nn::Linear> {
 public:
  DenseSMlp(const SMlpConfig& config, int image_size, int classes)
      : SMlp(config, image_size, classes, [](const std::string&, std::int64_t in, std::int64_t out) {
          return torch::nn::Linear(in, out);
        }) {}
  void merge_into(const DenseSMlp& merged) const;
};

// A norm goes into the linear layer that it follows, or where there is no activation between, that follows
// it.
void DenseSMlp::merge_into(const DenseSMlp& merged) const {
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
  return std::make_shared<DenseSMlp>(dynamic_cast<const SMlpConfig&>(config), image_size, classes);
}

std::shared_ptr<Model> merge_s_mlp(const Model& model, ModelConfig& config, int image_size, int classes) {
  auto& keys = dynamic_cast<SMlpConfig&>(config);
  if (keys.norm != NormKind::batch)
    fail(ErrorKind::usage, "only norms of an s_mlp with model.norm: batch fold into its linear layers");
  keys.norm = NormKind::none;
  auto merged = std::make_shared<DenseSMlp>(keys, image_size, classes);
  dynamic_cast<const DenseSMlp&>(model).merge_into(*merged);
  return merged;
}

}  // namespace smlp
