#pragma once
#include "smlp/models/model.hpp"
#include "smlp/nn/layers.hpp"

namespace smlp {

// The plain MLP (arXiv 2306.13575): z = W0·vec(x); depth − 1 times a block; logits = V·z.
class SMlpConfig : public ModelConfig {
 public:
  // The published code's z = W·σ(LN(z)), or the text's z = σ(W·LN(z)) (there with activation: relu).
  enum class BlockOrder { norm_act_linear, norm_linear_act };

  std::int64_t depth = 6;  // linear layers before the head, the embedding included
  std::int64_t width = 512;
  NormKind norm = NormKind::layer;
  Activation activation = Activation::gelu;
  BlockOrder block_order = BlockOrder::norm_act_linear;
  double dropout = 0.0;  // after the embedding and after each block

  void fields(FieldVisitor& v) override;
  std::shared_ptr<Model> build(int image_size, int classes) const override;
};

// Tensors, in order: linear_in.*, linear_out.*, layers.N.*, layernorms.N.*.
class SMlp : public Model {
 public:
  SMlp(const SMlpConfig& config, int image_size, int classes);
  torch::Tensor features(const torch::Tensor& images) override;
  torch::Tensor head(const torch::Tensor& features) override;
  std::vector<CostRow> costs() const override;

 private:
  SMlpConfig config_;
  torch::nn::Linear linear_in_, linear_out_;
  std::vector<torch::nn::Linear> layers_;
  std::vector<std::shared_ptr<NormLayer>> norms_;
};

}  // namespace smlp
