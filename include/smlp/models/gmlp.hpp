#pragma once
#include "smlp/models/patch_model.hpp"

namespace smlp {

// gMLP (arXiv 2105.08050): blocks x + fc2(U ⊙ (Ws·LN(V) + b)) with U, V the halves of GELU(fc1(LN(x))) and Ws
// over the tokens. At the start Ws is near zero (deviation 1e-6) and b one, as the paper has it; other
// weights are Xavier uniform and the head zero, as in timm. Layer norms have eps 1e-6, the gate's 1e-5.
// Tensors of a block: norm.*, mlp_channels.{fc1,gate.norm,gate.proj,fc2}.*.
class GMlpConfig : public PatchModelConfig {
 public:
  std::int64_t hidden = 1536;  // of fc1; half of it goes through the gate

  void fields(FieldVisitor& v) override;
  void check(int image_size) const override;

  static const std::vector<Preset>& presets();  // "gmlp_s16_224"
  static std::optional<RecognisedModel> recognise(const TensorShapes& shapes);

 protected:
  std::vector<CostRow> block_costs(const std::string& name, std::int64_t tokens) const override;
};

}  // namespace smlp
