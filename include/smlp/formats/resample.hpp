#pragma once
#include <cstdint>
#include <vector>

namespace smlp {

// One output sample is sum_k weights[k] * input[first + k].
struct FilterRow {
  int first = 0;
  int count = 0;
  int offset = 0;  // into FilterTable::weights
};

struct FilterTable {
  std::vector<FilterRow> rows;  // one per output sample
  std::vector<float> weights;
};

// The triangle filter from `in` samples [start, start + length) to `out` samples: half-pixel centres, widened
// when shrinking (PIL's BILINEAR, antialias=True), plain bilinear when enlarging; taps outside [start, start
// + length) are left out and the rest renormalised, so a crop never sees beyond its box. first counts from
// `start`'s origin.
FilterTable triangle_filter(int start, int length, int out);

// Resizes the box (x, y, width, height) of an interleaved 8-bit RGB image, `stride` pixels a row, to
// out_width × out_height, interleaved, rounded to 8 bits. For packing; training renders floats
// (data/augment).
std::vector<std::uint8_t> resize_rgb(const std::uint8_t* pixels, int stride, int x, int y, int width,
                                     int height, int out_width, int out_height);

}  // namespace smlp
