#pragma once
#include "smlp/models/mixer.hpp"

namespace smlp {

// The random-permuted Mixer (arXiv 2306.01470): a Mixer whose mixing layers see, in place of the tokens' and
// features' order, a random one of all tokens × width coordinates. A layer is x + Q·(I ⊗ MLP)·P·LN(x) with P
// and Q random permutations of its own, drawn when the model is built. With P the transposition of tokens and
// features and Q its inverse in token mixing, and both the identity in channel mixing, it is `mixer`.
// Tensors: the Mixer's, and blocks.N.permutations [4, tokens · width], whole numbers: P and Q of token
// mixing, P and Q of channel mixing; y = P·x is y[i] = x[P[i]].
class RpMixerConfig : public MixerConfig {
 public:
  static const std::vector<Preset>& presets();  // none
  static std::optional<RecognisedModel> recognise(const TensorShapes& shapes);
};

}  // namespace smlp
