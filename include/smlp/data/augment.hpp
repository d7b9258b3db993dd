#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "smlp/config/fields.hpp"
#include "smlp/core/rng.hpp"
#include "smlp/data/dataset_info.hpp"

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

// Renders boxes of uint8 RGB images to normalised float planes [3][size][size] in one pass: resampled in
// float (formats/resample's triangle filter over the box, columns then lines), never rounded to 8 bits, then
// (v / 255 − mean) / std. Holds scratch memory and the filter tables of the lengths met so far: one per
// thread.
class Renderer {
 public:
  // source_size: pixels a side of the images; output_size: of the result; permute_pixels: the seed of the
  // pixel_permutation() that the result goes through. Error(data) when a deviation is not above 0.
  Renderer(int source_size, int output_size, const ChannelStatistics& normalization,
           std::optional<std::int64_t> permute_pixels = {});

  // out[3][size][size] = the rendered box, which lies inside the image.
  void render(const std::uint8_t* image, const CropBox& box, float* out);
  // The same for the whole image.
  void render(const std::uint8_t* image, float* out);
  std::size_t output_elements() const { return std::size_t{3} * output_size_ * output_size_; }

 private:
  // Output sample i is sum_t weights[i * taps + t] * input[first[i] + t]: every sample has the same number of
  // taps, so the loops over them are unrolled.
  struct Taps {
    int count = 0;
    std::vector<int> first;
    std::vector<float> weights;
  };

  void render_box(const std::uint8_t* image, const CropBox& box, float* out);
  const Taps& taps(int length);
  void copy(const std::uint8_t* image, const CropBox& box, float* out) const;
  template <int count>
  void columns(const std::uint8_t* image, const CropBox& box, const Taps& taps);
  template <int count>
  void lines(const CropBox& box, const Taps& taps, float* out) const;

  int source_size_, output_size_;
  std::array<float, 3> scale_, shift_;  // (v / 255 − mean) / std = v · scale + shift
  std::vector<Taps> taps_;              // by length, made when first met
  std::vector<float> line_;             // one line of the box, four floats a pixel
  std::vector<float> planes_;           // [3][box height][output_size]
  std::vector<std::int64_t> order_;     // of the pixels; empty: they stay
  std::vector<float> ordered_;          // the result before they are permuted
};

}  // namespace smlp
