#pragma once
#include "smlp/models/patch_model.hpp"

namespace smlp {

// The Vision Transformer (arXiv 2010.11929) as timm has it: patches and a class token with learned positions;
// blocks x + Attention(LN(x)), x + MLP(LN(x)); a norm; the class token is the feature. At the start linear
// weights and positions have deviation 0.02, biases are zero. Layer norms have eps 1e-6.
// Tensors: cls_token, pos_embed, patch_embed.proj.*,
// blocks.N.{norm1,attn.qkv,attn.proj,norm2,mlp.fc1,mlp.fc2}.*, norm.*, head.*.
class VitConfig : public PatchModelConfig {
 public:
  std::int64_t heads = 4;
  std::int64_t hidden = 1024;  // of the MLP

  void fields(FieldVisitor& v) override;
  void check(int image_size) const override;
  std::vector<CostRow> costs(int image_size, int classes) const override;

  // "vit_base_patch16_224", and the paper's "vit_b4_64" (arXiv 2306.13575, Table 7).
  static const std::vector<Preset>& presets();
  // Weights do not say how many heads there are: one for each 64 features is assumed, as published ones have.
  static std::optional<RecognisedModel> recognise(const TensorShapes& shapes);

 protected:
  std::vector<CostRow> block_costs(const std::string& name, std::int64_t tokens) const override;
};

}  // namespace smlp
