#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "smlp/config/fields.hpp"
#include "smlp/core/rng.hpp"

namespace smlp {

// Random resized crop, as torchvision's RandomResizedCrop draws it: area in `scale` × the image's, aspect
// ratio log-uniform in `ratio`, ten tries, then the largest centred box within the ratio's bounds.
struct CropConfig {
  std::array<double, 2> scale{0.08, 1.0};
  std::array<double, 2> ratio{0.75, 4.0 / 3.0};
  void fields(FieldVisitor& v);
};

struct AugmentConfig {
  std::optional<CropConfig> crop = CropConfig{};  // null: the whole image
  double flip = 0.5;                              // probability
  double mixup = 0.8;                             // MixUp's alpha (Zhang et al. 2018); 0: off
  void fields(FieldVisitor& v);
};

// Error(usage) naming the key when a range is upside down or a value is outside the bounds of fields().
void check_augment(const AugmentConfig& config);

// A pixel box inside an image, and whether it is mirrored left to right.
struct CropBox {
  int x, y, width, height;
  bool flip;
};

// The box of one sample of an image of image_size × image_size, a function of (purpose, seed, epoch, index).
CropBox draw_crop(const AugmentConfig& config, int image_size, std::uint64_t seed, std::uint32_t epoch,
                  std::uint64_t index, Purpose purpose = Purpose::augment);

// λ of a step, ~ Beta(mixup, mixup), a function of (seed, step); 1 when mixup is 0.
double draw_mixup(const AugmentConfig& config, std::uint64_t seed, std::uint32_t step);

}  // namespace smlp
