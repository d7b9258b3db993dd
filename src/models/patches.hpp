#pragma once
// What the families on patches share beside their keys: names of models, and recognition.
#include <spdlog/fmt/fmt.h>

#include "smlp/models/patch_model.hpp"

namespace smlp {

// timm's name of a model, alone or with the tag of its weights: "mixer_b16_224.goog_in21k".
Preset timm_preset(const std::string& name, KeyValues keys);

// What every block of a model has, with its shape; as many blocks as have the first are expected to have all.
using BlockShapes = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

// The keys patch_size, depth and width and the number of classes, from `stem`, the weight that embeds
// patches, the head and the blocks. The image size is taken from the number of patches.
RecognisedModel recognise_patches(const TensorShapes& shapes, const std::string& family,
                                  const std::string& stem, std::int64_t patches, const BlockShapes& block);

// The features of a token by the weight that embeds patches; more than a model may have: Error(data).
std::int64_t token_width(const TensorShapes& shapes, const std::string& stem);

inline std::string block_tensor(std::int64_t block, const std::string& name) {
  return fmt::format("blocks.{}.{}", block, name);
}

}  // namespace smlp
