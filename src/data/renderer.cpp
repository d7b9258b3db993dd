#include "smlp/data/renderer.hpp"

#include <algorithm>
#include <cstring>

#include "smlp/core/error.hpp"
#include "smlp/data/pixel_permutation.hpp"
#include "smlp/formats/resample.hpp"

namespace smlp {
namespace {

using Pixel = float __attribute__((vector_size(16)));  // red, green, blue and one unused

Pixel load(const float* from) {
  Pixel pixel;
  std::memcpy(&pixel, from, sizeof pixel);
  return pixel;
}

// A loop's bound: `fixed` when it is known while compiling, otherwise `count`.
template <int fixed>
int bound(int count) {
  return fixed > 0 ? fixed : count;
}

}  // namespace

PixelScale pixel_scale(const ChannelStatistics& normalization) {
  if (normalization.mean.size() != 3 || normalization.std.size() != 3)
    fail(ErrorKind::data, "normalisation has {} means and {} deviations, expected 3 of each",
         normalization.mean.size(), normalization.std.size());
  PixelScale result{};
  for (int c = 0; c < 3; ++c) {
    if (!(normalization.std[c] > 0))
      fail(ErrorKind::data,
           "channel {} has deviation {}: set data.normalize to a family or to values above 0", c,
           normalization.std[c]);
    result.scale[c] = static_cast<float>(1 / (255 * normalization.std[c]));
    result.shift[c] = static_cast<float>(-normalization.mean[c] / normalization.std[c]);
  }
  return result;
}

Renderer::Renderer(int source_size, int output_size, const ChannelStatistics& normalization,
                   std::optional<std::int64_t> permute_pixels)
    : source_size_(source_size),
      output_size_(output_size),
      scale_(pixel_scale(normalization)),
      taps_(source_size + 1) {
  line_.resize(std::size_t{4} * source_size);
  planes_.resize(std::size_t{3} * source_size * output_size);
  if (!permute_pixels) return;
  order_ = pixel_permutation(*permute_pixels, output_size);
  ordered_.resize(output_elements());
}

Taps make_taps(int length, int output_size) {
  Taps made;
  FilterTable table = triangle_filter(0, length, output_size);
  const auto weight = [&](const FilterRow& row, int k) { return table.weights[row.offset + k]; };
  for (FilterRow& row : table.rows) {
    while (row.count > 1 && weight(row, row.count - 1) == 0) --row.count;
    while (row.count > 1 && weight(row, 0) == 0) --row.count, ++row.offset, ++row.first;
    made.count = std::max(made.count, row.count);
  }
  made.weights.resize(std::size_t{1} * output_size * made.count);
  for (int i = 0; i < output_size; ++i) {
    const FilterRow& row = table.rows[i];
    made.first.push_back(std::min(row.first, length - made.count));
    std::copy_n(table.weights.begin() + row.offset, row.count,
                made.weights.begin() + i * made.count + (row.first - made.first.back()));
  }
  return made;
}

const Taps& Renderer::taps(int length) {
  Taps& made = taps_[length];
  if (made.count == 0) made = make_taps(length, output_size_);
  return made;
}

void Renderer::copy(const std::uint8_t* image, const CropBox& box, float* out) const {
  const int size = output_size_, step = box.flip ? -3 : 3;
  for (int y = 0; y < size; ++y) {
    const std::uint8_t* pixel = image + ((box.y + y) * source_size_ + box.x + (box.flip ? size - 1 : 0)) * 3;
    for (int x = 0; x < size; ++x, pixel += step)
      for (int c = 0; c < 3; ++c)
        out[(c * size + y) * size + x] = pixel[c] * scale_.scale[c] + scale_.shift[c];
  }
}

template <int fixed>
void Renderer::columns(const std::uint8_t* image, const CropBox& box, const Taps& taps) {
  const int count = bound<fixed>(taps.count), size = output_size_;
  const std::size_t plane = std::size_t{1} * box.height * size;
  for (int y = 0; y < box.height; ++y) {
    const std::uint8_t* pixel = image + ((box.y + y) * source_size_ + box.x) * 3;
    float* line = line_.data();
    for (int x = 0; x < box.width; ++x)
      for (int c = 0; c < 3; ++c) line[4 * x + c] = pixel[3 * x + c];
    float* out = planes_.data() + y * size;
    for (int x = 0; x < size; ++x) {
      const float* weights = taps.weights.data() + x * count;
      const float* from = line + 4 * taps.first[x];
      Pixel sum = weights[0] * load(from);
      for (int t = 1; t < count; ++t) sum += weights[t] * load(from + 4 * t);
      const int to = box.flip ? size - 1 - x : x;
      for (int c = 0; c < 3; ++c) out[c * plane + to] = sum[c];
    }
  }
}

template <int fixed>
void Renderer::lines(const CropBox& box, const Taps& taps, float* out) const {
  const int count = bound<fixed>(taps.count), size = output_size_;
  for (int c = 0; c < 3; ++c) {
    const float* plane = planes_.data() + std::size_t{1} * c * box.height * size;
    for (int y = 0; y < size; ++y, out += size) {
      const float* weights = taps.weights.data() + y * count;
      const float* from = plane + taps.first[y] * size;
      const float scale = scale_.scale[c], shift = scale_.shift[c];
      if constexpr (fixed > 0) {
        for (int x = 0; x < size; ++x) {
          float sum = weights[0] * from[x];
          for (int t = 1; t < fixed; ++t) sum += weights[t] * from[t * size + x];
          out[x] = sum * scale + shift;
        }
      } else {
        std::fill_n(out, size, 0.0f);
        for (int t = 0; t < count; ++t)
          for (int x = 0; x < size; ++x) out[x] += weights[t] * from[t * size + x];
        for (int x = 0; x < size; ++x) out[x] = out[x] * scale + shift;
      }
    }
  }
}

void Renderer::render_box(const std::uint8_t* image, const CropBox& box, float* out) {
  if (box.width == output_size_ && box.height == output_size_) return copy(image, box, out);
  const Taps& across = taps(box.width);
  switch (across.count) {
    case 1:
      columns<1>(image, box, across);
      break;
    case 2:
      columns<2>(image, box, across);
      break;
    case 3:
      columns<3>(image, box, across);
      break;
    case 4:
      columns<4>(image, box, across);
      break;
    default:
      columns<0>(image, box, across);
  }
  const Taps& down = taps(box.height);
  switch (down.count) {
    case 1:
      return lines<1>(box, down, out);
    case 2:
      return lines<2>(box, down, out);
    case 3:
      return lines<3>(box, down, out);
    case 4:
      return lines<4>(box, down, out);
    default:
      return lines<0>(box, down, out);
  }
}

void Renderer::render(const std::uint8_t* image, const CropBox& box, float* out) {
  if (order_.empty()) return render_box(image, box, out);
  render_box(image, box, ordered_.data());
  for (const float* plane = ordered_.data(); plane != ordered_.data() + ordered_.size();
       plane += order_.size())
    for (const std::int64_t from : order_) *out++ = plane[from];
}

void Renderer::render(const std::uint8_t* image, float* out) {
  render(image, {0, 0, source_size_, source_size_, false}, out);
}

}  // namespace smlp
