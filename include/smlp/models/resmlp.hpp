#pragma once
#include <optional>

#include "smlp/models/patch_model.hpp"

namespace smlp {

// ResMLP (arXiv 2105.03404): blocks of x + ls1·(W·A(x)) over the tokens and x + ls2·MLP(A(x)) over the
// features, with affine maps A in place of norms and the scales ls of LayerScale (arXiv 2103.17239). At the
// start weights have deviation 0.02 and biases are zero, as in facebookresearch/deit; the stem is PyTorch's.
// Tensors of a block: ls1, ls2, norm1.{alpha,beta}, linear_tokens.*, norm2.*, mlp_channels.{fc1,fc2}.*.
class ResMlpConfig : public PatchModelConfig {
 public:
  std::int64_t hidden = 1024;  // of the MLP over the features
  std::optional<double> layer_scale;

  void fields(FieldVisitor& v) override;

  // What ls1 and ls2 are at the start: layer_scale, or by depth as published: 0.1 up to 18 blocks, 1e-5 up to
  // 24, 1e-6 beyond.
  double first_scale() const;

  static const std::vector<Preset>& presets();  // "resmlp_24_224"
  static std::optional<RecognisedModel> recognise(const TensorShapes& shapes);

 protected:
  std::vector<CostRow> block_costs(const std::string& name, std::int64_t tokens) const override;
  CostRow norm_costs(const std::string& name, std::int64_t tokens) const override;
};

}  // namespace smlp
