#pragma once
#include "smlp/models/layer_kinds.hpp"
#include "smlp/models/registry.hpp"

namespace smlp {

// The MLP of inverted bottlenecks (arXiv 2306.13575): z = W0·vec(x); depth times z = z + f(LN(z)); logits =
// V·z. f is Wc·GELU(We·…) with We: m → k·m and Wc: k·m → m. Without the bottleneck f is `layers_per_block`
// linear layers m → m, each followed by the activation (the ablation's B{X}x{Y}: Y blocks of X layers), so
// that skip: false and norm: none leave a plain MLP.
// Tensors, in order: linear_in.*, linear_out.*, blocks.N.block.{0,2,…}.*, layernorms.N.*.
class BMlpConfig : public ModelConfig {
 public:
  enum class NormPosition { pre, post };  // z + f(norm(z)), or norm(z + f(z))

  std::int64_t depth = 6;  // blocks
  std::int64_t width = 512;
  std::int64_t expansion = 4;  // k; with the bottleneck
  NormKind norm = NormKind::layer;
  NormPosition norm_position = NormPosition::pre;
  Activation activation = Activation::gelu;
  bool skip = true;
  bool bottleneck = true;
  std::int64_t layers_per_block = 2;  // without the bottleneck; with it a block has two
  double dropout = 0.0;               // after the embedding and after each block's sum
  Parametrization parametrization = Parametrization::standard;
  std::int64_t base_width = 64;

  void fields(FieldVisitor& v) override;
  void check(int image_size) const override;
  std::vector<CostRow> costs(int image_size, int classes) const override;
  std::string sizes() const override;
  double width_multiplier() const override;

  // Widths through one block, its input first.
  std::vector<std::int64_t> block_widths() const;

  // "B-12/Wi-1024", "B_12-Wi_1024_res_64_in21k", "B-12_Wi-1024_res_64_imagenet21_epochs_800", "B-12/1024".
  static const std::vector<Preset>& presets();
  static std::optional<RecognisedModel> recognise(const TensorShapes& shapes);

 private:
  bool keeps_activation(std::size_t layer, std::size_t layers) const;
};

}  // namespace smlp
