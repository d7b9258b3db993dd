#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "smlp/data/augment.hpp"
#include "smlp/data/dataset_info.hpp"

namespace smlp {

// How a line of pixels is resampled (formats/resample's triangle filter): output sample i is
// sum_t weights[i * count + t] * input[first[i] + t]. Every sample has the same number of taps, so the loops
// over them are unrolled.
struct Taps {
  int count = 0;
  std::vector<int> first;
  std::vector<float> weights;
};
Taps make_taps(int length, int output_size);

// Of a value v of 0 to 255 and channel c: (v / 255 − mean) / std = v · scale[c] + shift[c].
struct PixelScale {
  std::array<float, 3> scale, shift;
};
// Error(data) when a deviation is not above 0.
PixelScale pixel_scale(const ChannelStatistics& normalization);

// Renders boxes of uint8 RGB images to normalised float planes [3][size][size] in one pass: resampled in
// float (columns then lines), never rounded to 8 bits, then (v / 255 − mean) / std. Holds scratch memory and
// the taps of the lengths met so far: one per thread.
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
  void render_box(const std::uint8_t* image, const CropBox& box, float* out);
  const Taps& taps(int length);
  void copy(const std::uint8_t* image, const CropBox& box, float* out) const;
  template <int count>
  void columns(const std::uint8_t* image, const CropBox& box, const Taps& taps);
  template <int count>
  void lines(const CropBox& box, const Taps& taps, float* out) const;

  int source_size_, output_size_;
  PixelScale scale_;
  std::vector<Taps> taps_;           // by length, made when first met
  std::vector<float> line_;          // one line of the box, four floats a pixel
  std::vector<float> planes_;        // [3][box height][output_size]
  std::vector<std::int64_t> order_;  // of the pixels; empty: they stay
  std::vector<float> ordered_;       // the result before they are permuted
};

}  // namespace smlp
