#include "smlp/formats/resample.hpp"

#include <algorithm>
#include <cmath>

#include "smlp/core/error.hpp"

namespace smlp {

FilterTable triangle_filter(int start, int length, int out) {
  if (length < 1 || out < 1) fail(ErrorKind::failed, "cannot resample {} samples to {}", length, out);
  const double scale = double(length) / out;
  const double support = std::max(scale, 1.0);
  FilterTable table;
  table.rows.reserve(static_cast<std::size_t>(out));
  std::vector<double> weights;
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(centre - support + 0.5));
    const int end = std::min(length, static_cast<int>(centre + support + 0.5));
    weights.clear();
    double sum = 0;
    for (int k = first; k < end; ++k) {
      weights.push_back(std::max(0.0, 1.0 - std::abs((k - centre + 0.5) / support)));
      sum += weights.back();
    }
    table.rows.push_back({start + first, end - first, static_cast<int>(table.weights.size())});
    for (const double weight : weights) table.weights.push_back(static_cast<float>(weight / sum));
  }
  return table;
}

std::vector<std::uint8_t> resize_rgb(const std::uint8_t* pixels, int stride, int x, int y, int width,
                                     int height, int out_width, int out_height) {
  const FilterTable columns = triangle_filter(0, width, out_width);
  const FilterTable lines = triangle_filter(y, height, out_height);
  const std::size_t row_values = std::size_t(width) * 3;
  std::vector<float> blended(
      row_values);  // one output line at the input's width: no more, however tall the image
  std::vector<std::uint8_t> out(std::size_t(out_width) * std::size_t(out_height) * 3);
  std::uint8_t* next = out.data();
  for (const FilterRow& line : lines.rows) {
    std::fill(blended.begin(), blended.end(), 0.0f);
    for (int k = 0; k < line.count; ++k) {
      const float weight = lines.weights[std::size_t(line.offset + k)];
      const std::uint8_t* source =
          pixels + (std::size_t(line.first + k) * std::size_t(stride) + std::size_t(x)) * 3;
      for (std::size_t i = 0; i < row_values; ++i) blended[i] += weight * float(source[i]);
    }
    for (const FilterRow& column : columns.rows) {
      float sum[3] = {0, 0, 0};
      const float* source = blended.data() + std::size_t(column.first) * 3;
      for (int k = 0; k < column.count; ++k)
        for (int c = 0; c < 3; ++c)
          sum[c] += columns.weights[std::size_t(column.offset + k)] * source[3 * k + c];
      for (const float value : sum)
        *next++ = static_cast<std::uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f));
    }
  }
  return out;
}

}  // namespace smlp
