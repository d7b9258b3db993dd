#pragma once
#include "smlp/models/layer_kinds.hpp"
#include "smlp/models/registry.hpp"

namespace smlp {

// The plain MLP (arXiv 2306.13575): z = W0·vec(x); depth − 1 times a block; logits = V·z.
// Tensors, in order: linear_in.*, linear_out.*, layers.N.*, layernorms.N.*.
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
  Parametrization parametrization = Parametrization::standard;
  std::int64_t base_width = 64;

  void fields(FieldVisitor& v) override;
  std::vector<CostRow> costs(int image_size, int classes) const override;
  std::string sizes() const override;
  double width_multiplier() const override;

  // "S-6/2048" and the other spellings of a B-MLP's names.
  static const std::vector<Preset>& presets();
  static std::optional<RecognisedModel> recognise(const TensorShapes& shapes);
};

}  // namespace smlp
