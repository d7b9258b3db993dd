#include "smlp/models/rp_mixer.hpp"

#include "patches.hpp"

namespace smlp {

const std::vector<Preset>& RpMixerConfig::presets() {
  static const std::vector<Preset> none;
  return none;
}

std::optional<RecognisedModel> RpMixerConfig::recognise(const TensorShapes& shapes) {
  const std::string permutations = "permutations";
  if (!shapes.has(block_tensor(0, permutations))) return std::nullopt;
  auto model = MixerConfig::recognise_blocks(shapes, "rp_mixer");
  const std::int64_t coordinates =
      token_width(shapes, "stem.proj.weight") * shapes.columns(block_tensor(0, "mlp_tokens.fc1.weight"));
  for (std::int64_t i = 0; shapes.has(block_tensor(i, "mlp_tokens.fc1.weight")); ++i)
    shapes.expect(block_tensor(i, permutations), {4, coordinates});
  return model;
}

}  // namespace smlp
