#pragma once
#include <optional>
#include <string>

#include "smlp/data/dataset_info.hpp"

namespace smlp {

// What published weights of a family are shown while they are tested.
struct PublishedImages {
  ChannelStatistics normalization;
  double crop_pct = 1;  // see ImagePreparation
  bool told = false;    // by the file; false: as most weights of the family
};

// Of weights in a file called `name` whose tensors are named as RecognisedModel::origin says. nullopt: a
// family whose published weights differ in this, or that has none.
std::optional<PublishedImages> published_images(const std::string& family, const std::string& origin,
                                                const std::string& name);

}  // namespace smlp
