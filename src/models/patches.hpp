#pragma once
// What the families on patches share beside their keys: names of models, and recognition.
#include <spdlog/fmt/fmt.h>

#include "smlp/models/patch_model.hpp"

namespace smlp {

// timm's name of a model, alone or with the tag of its weights: "mixer_b16_224.goog_in21k".
Preset timm_preset(const std::string& name, KeyValues keys);

// The keys patch_size, depth and width and the number of classes, from `stem`, the weight that embeds
// patches, the head, and how many blocks have the tensor `each` ("norm1.weight"). The image size is taken
// from the number of patches.
RecognisedModel recognise_patches(const TensorShapes& shapes, const std::string& family,
                                  const std::string& stem, const std::string& each, std::int64_t patches);

inline std::string block_tensor(std::int64_t block, const std::string& name) {
  return fmt::format("blocks.{}.{}", block, name);
}

}  // namespace smlp
