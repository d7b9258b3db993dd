#pragma once
#include "smlp/models/layer_kinds.hpp"
#include "smlp/models/patch_model.hpp"

namespace smlp {

// MLP-Mixer (arXiv 2105.01601): blocks of token mixing, x + W2·GELU(W1·LN(x)) over the tokens, and channel
// mixing, the same over the features. At the start weights are LeCun normal (truncated at two deviations),
// biases and the head zero, as in google-research/vision_transformer; layer norms have eps 1e-6.
// Tensors of a block: norm1.*, mlp_tokens.{fc1,fc2}.*, norm2.*, mlp_channels.{fc1,fc2}.*.
class MixerConfig : public PatchModelConfig {
 public:
  std::int64_t token_hidden = 128;
  std::int64_t channel_hidden = 1024;
  NormKind norm = NormKind::layer;  // or none

  void fields(FieldVisitor& v) override;

  // "mixer_b16_224", and the paper's "mixer_b4_64" (arXiv 2306.13575, Table 7).
  static const std::vector<Preset>& presets();
  static std::optional<RecognisedModel> recognise(const TensorShapes& shapes);

 protected:
  static RecognisedModel recognise_blocks(const TensorShapes& shapes, const char* family);
  CostRow norm_costs(const std::string& name, std::int64_t tokens) const override;
  std::vector<CostRow> block_costs(const std::string& name, std::int64_t tokens) const override;
};

}  // namespace smlp
