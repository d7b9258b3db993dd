#include "smlp/data/augment.hpp"

#include <algorithm>
#include <cmath>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

constexpr int crop_tries = 10;

CropBox largest_box(const CropConfig& crop, int size) {
  int width = size, height = size;
  if (crop.ratio[0] > 1) height = std::max(1, static_cast<int>(std::nearbyint(size / crop.ratio[0])));
  if (crop.ratio[1] < 1) width = std::max(1, static_cast<int>(std::nearbyint(size * crop.ratio[1])));
  return {(size - width) / 2, (size - height) / 2, width, height, false};
}

CropBox random_box(const CropConfig& crop, int size, RandomStream& random) {
  const double area = static_cast<double>(size) * size;
  const double low = std::log(crop.ratio[0]), high = std::log(crop.ratio[1]);
  for (int i = 0; i < crop_tries; ++i) {
    const double target = area * random.uniform(crop.scale[0], crop.scale[1]);
    const double aspect = std::exp(random.uniform(low, high));
    // nearbyint rounds halves to even, as Python's round does.
    const double width = std::nearbyint(std::sqrt(target * aspect));
    const double height = std::nearbyint(std::sqrt(target / aspect));
    if (!(width > 0 && width <= size && height > 0 && height <= size)) continue;
    const int w = static_cast<int>(width), h = static_cast<int>(height);
    const int y = static_cast<int>(random.below(size - h + 1)),
              x = static_cast<int>(random.below(size - w + 1));
    return {x, y, w, h, false};
  }
  return largest_box(crop, size);
}

}  // namespace

void CropConfig::fields(FieldVisitor& v) {
  v.field("scale", scale, "smallest and largest area of a crop, as a part of the image's",
          {.min = 0, .max = 1, .min_open = true});
  v.field("ratio", ratio, "smallest and largest width over height of a crop", {.min = 0.01, .max = 100});
}

void AugmentConfig::fields(FieldVisitor& v) {
  v.section("crop", crop, "random resized crop; null: the whole image");
  v.field("flip", flip, "probability of mirroring an image left to right", between(0, 1));
  v.field("mixup", mixup, "alpha of MixUp's Beta(alpha, alpha); 0: no MixUp", between(0, 1000));
}

void check_augment(const AugmentConfig& config) {
  if (config.crop) {
    const auto& [scale, ratio] = *config.crop;
    if (!(scale[0] > 0 && scale[0] <= scale[1] && scale[1] <= 1))
      fail(ErrorKind::usage, "augment.crop.scale is [{}, {}], expected 0 < smallest <= largest <= 1",
           scale[0], scale[1]);
    if (!(ratio[0] >= 0.01 && ratio[0] <= ratio[1] && ratio[1] <= 100))
      fail(ErrorKind::usage, "augment.crop.ratio is [{}, {}], expected 0.01 <= smallest <= largest <= 100",
           ratio[0], ratio[1]);
  }
  if (!(config.flip >= 0 && config.flip <= 1))
    fail(ErrorKind::usage, "augment.flip is {}, expected 0 to 1", config.flip);
  if (!(config.mixup >= 0 && config.mixup <= 1000))
    fail(ErrorKind::usage, "augment.mixup is {}, expected 0 to 1000", config.mixup);
}

CropBox draw_crop(const AugmentConfig& config, int image_size, std::uint64_t seed, std::uint32_t epoch,
                  std::uint64_t index, Purpose purpose) {
  RandomStream random(seed, purpose, epoch, index);
  const bool flip = random.uniform() < config.flip;
  CropBox box = config.crop ? random_box(*config.crop, image_size, random)
                            : CropBox{0, 0, image_size, image_size, false};
  box.flip = flip;
  return box;
}

double draw_mixup(const AugmentConfig& config, std::uint64_t seed, std::uint32_t step) {
  return config.mixup > 0 ? RandomStream(seed, Purpose::mixup, step).beta(config.mixup, config.mixup) : 1.0;
}

}  // namespace smlp
