#include "smlp/train/published_images.hpp"

#include <algorithm>
#include <string_view>

#include "smlp/core/text.hpp"

namespace smlp {
namespace {

enum class Values { zero_one, half, imagenet };  // mean 0 and deviation 1; 0.5 and 0.5; ImageNet's

struct Row {
  std::string_view family;
  std::string_view word;  // in the file's name, or the origin of its tensors' names; "": any other
  Values values;
  double crop_pct;
};

// As timm 1.0.22 and torchvision 0.26 have them.
constexpr Row table[] = {
    {"mixer", "miil", Values::zero_one, 0.875},
    {"mixer", "", Values::half, 0.875},
    {"gmlp", "", Values::half, 0.875},
    {"resmlp", "", Values::imagenet, 0.875},
    {"vit", "miil", Values::zero_one, 0.875},
    {"vit", "dino", Values::imagenet, 0.9},
    {"vit", "mae", Values::imagenet, 0.9},
    {"vit", "deit", Values::imagenet, 0.9},
    {"vit", "torchvision", Values::imagenet, 0.875},
    {"vit", "", Values::half, 0.9},
    {"resnet", "ra4_e3600", Values::half, 0.9},
    {"resnet", "", Values::imagenet, 0.875},
};

ChannelStatistics statistics(Values values) {
  switch (values) {
    case Values::zero_one:
      return {{0, 0, 0}, {1, 1, 1}};
    case Values::half:
      return {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
    case Values::imagenet:
      break;
  }
  return family_statistics("imagenet");
}

// "mixer-b_16", "mixer_b16_224_miil-9229a591", "resnet50-0676ba61": the family's name, then a size.
bool names_family(const std::string& name, std::string_view family) {
  const std::size_t at = name.find(family), end = at + family.size();
  return at != std::string::npos && name.find_first_of("0123456789", end) != std::string::npos;
}

}  // namespace

std::optional<PublishedImages> published_images(const std::string& family, const std::string& origin,
                                                const std::string& name) {
  const std::string text = lower_case(name);
  const auto row = std::ranges::find_if(table, [&](const Row& each) {
    return each.family == family && (text.find(each.word) != std::string::npos || each.word == origin);
  });
  if (row == std::end(table)) return std::nullopt;
  const bool told = !row->word.empty() || !origin.empty() || names_family(text, family);
  return PublishedImages{statistics(row->values), row->crop_pct, told};
}

}  // namespace smlp
