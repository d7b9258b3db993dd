#include "smlp/models/repmlp.hpp"

#include <torch/nn/modules/container/sequential.h>

#include "networks.hpp"
#include "smlp/core/error.hpp"
#include "smlp/nn/folding.hpp"
#include "smlp/nn/init.hpp"
#include "smlp/nn/repmlp_block.hpp"

namespace smlp {
namespace {

using torch::Tensor;

// Whose stride is its size.
std::shared_ptr<NormedConvolution> embedding(std::int64_t in, std::int64_t out, std::int64_t kernel) {
  return std::make_shared<NormedConvolution>(uniform({out, in, kernel, kernel}, in * kernel * kernel),
                                             kernel);
}

class Ffn : public torch::nn::Module {
 public:
  Ffn(std::int64_t channels, std::int64_t hidden)
      : ffn_fc1_(register_module("ffn_fc1", embedding(channels, hidden, 1))),
        ffn_fc2_(register_module("ffn_fc2", embedding(hidden, channels, 1))) {}
  Tensor forward(const Tensor& x) { return ffn_fc2_->forward(at::gelu(ffn_fc1_->forward(x))); }

 private:
  std::shared_ptr<NormedConvolution> ffn_fc1_, ffn_fc2_;
};

class Unit : public torch::nn::Module {
 public:
  Unit(const RepMlpConfig& config, const RepMlpConfig::Stage& stage)
      : repmlp_block_(register_module(
            "repmlp_block", std::make_shared<RepMlpBlock>(RepMlpShape{.channels = stage.channels,
                                                                      .share_sets = stage.share_sets,
                                                                      .partition = stage.partition,
                                                                      .reduction = config.reduction,
                                                                      .kernels = config.convolutions(),
                                                                      .merged = config.merged}))),
        ffn_block_(register_module("ffn_block",
                                   std::make_shared<Ffn>(stage.channels, config.expansion * stage.channels))),
        prebn1_(register_module("prebn1", std::make_shared<NormLayer>(NormKind::batch, stage.channels))),
        prebn2_(register_module("prebn2", std::make_shared<NormLayer>(NormKind::batch, stage.channels))) {}

  Tensor forward(const Tensor& x) {
    const Tensor mixed = x + repmlp_block_->forward(prebn1_->forward(x));
    return mixed + ffn_block_->forward(prebn2_->forward(mixed));
  }
  const RepMlpBlock& repmlp_block() const { return *repmlp_block_; }

 private:
  std::shared_ptr<RepMlpBlock> repmlp_block_;
  std::shared_ptr<Ffn> ffn_block_;
  std::shared_ptr<NormLayer> prebn1_, prebn2_;
};

class RepMlpNet : public Model {
 public:
  RepMlpNet(const RepMlpConfig& config, int image_size, int classes);
  Tensor features(const Tensor& images) override;
  Tensor head(const Tensor& features) override { return classify(head_, features); }
  std::string head_prefix() const override { return "head."; }
  void merge_into(const RepMlpNet& merged) const;

 private:
  std::shared_ptr<NormedConvolution> conv_embedding_;
  std::vector<std::vector<std::shared_ptr<Unit>>> stages_;
  std::vector<std::shared_ptr<NormedConvolution>> embeds_;
  std::shared_ptr<NormLayer> head_norm_;
  torch::nn::Linear head_{nullptr};
};

RepMlpNet::RepMlpNet(const RepMlpConfig& config, int image_size, int classes) {
  const std::vector<RepMlpConfig::Stage> stages = config.stages(image_size);
  conv_embedding_ = register_module("conv_embedding", embedding(3, stages[0].channels, config.patch_size));
  const auto named_stages = register_module("stages", std::make_shared<torch::nn::Module>()),
             named_embeds = register_module("embeds", std::make_shared<torch::nn::Module>());
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const std::string name = std::to_string(i);
    const auto stage = named_stages->register_module(name, std::make_shared<torch::nn::Module>());
    auto& units = stages_.emplace_back();
    for (std::int64_t k = 0; k < stages[i].blocks; ++k)
      units.push_back(stage->register_module(std::to_string(k), std::make_shared<Unit>(config, stages[i])));
    if (i + 1 < stages.size())
      embeds_.push_back(
          named_embeds->register_module(name, embedding(stages[i].channels, stages[i + 1].channels, 2)));
  }
  const std::int64_t width = stages.back().channels;
  head_norm_ = register_module("head_norm", std::make_shared<NormLayer>(NormKind::batch, width));
  head_ = register_module("head", torch::nn::Linear(width, classes));
}

Tensor RepMlpNet::features(const Tensor& images) {
  Tensor x = at::relu(conv_embedding_->forward(images));
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    for (const auto& unit : stages_[i]) x = unit->forward(x);
    if (i < embeds_.size()) x = at::relu(embeds_[i]->forward(x));
  }
  return head_norm_->forward(x).mean({2, 3});
}

void RepMlpNet::merge_into(const RepMlpNet& merged) const {
  copy_common(*this, merged);
  for (std::size_t i = 0; i < stages_.size(); ++i)
    for (std::size_t k = 0; k < stages_[i].size(); ++k)
      stages_[i][k]->repmlp_block().merge_into(merged.stages_[i][k]->repmlp_block());
}

}  // namespace

std::shared_ptr<Model> build_repmlp(const ModelConfig& config, int image_size, int classes) {
  return std::make_shared<RepMlpNet>(dynamic_cast<const RepMlpConfig&>(config), image_size, classes);
}

std::shared_ptr<Model> merge_repmlp(const Model& model, ModelConfig& config, int image_size, int classes) {
  auto& keys = dynamic_cast<RepMlpConfig&>(config);
  if (keys.merged) fail(ErrorKind::usage, "it is merged already");
  keys.merged = true;
  auto merged = std::make_shared<RepMlpNet>(keys, image_size, classes);
  dynamic_cast<const RepMlpNet&>(model).merge_into(*merged);
  return merged;
}

}  // namespace smlp
