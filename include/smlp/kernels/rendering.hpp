#pragma once
// How data/renderer.hpp's Renderer makes a pixel, for the kernel in src/kernels/render.cu and for a host to
// compare: the same bits from all.

namespace smlp {

// One image of a batch: a box of an image among the pixels, and whether it is mirrored (0 or 1).
struct ImageView {
  int image, x, y, width, height, flip;
};

struct Rendering {
  const unsigned char* pixels;  // [images][source][source][3]
  const ImageView* views;
  const int* counts;       // [source + 1]: taps of a line of this length
  const int* first;        // [source + 1][size]
  const float* weights;    // [source + 1][size][most_taps]
  const long long* order;  // [size · size]: the pixel that is seen at each place; null: each its own
  int source, size, most_taps;
  float scale[3], shift[3];
};

struct RenderedPixel {
  float channel[3];
};

// What is seen of a view at x, y of the result.
inline RenderedPixel render_pixel(const Rendering& r, const ImageView& view, int x, int y) {
  const int across = view.width * r.size + (view.flip ? r.size - 1 - x : x), down = view.height * r.size + y;
  const long long line = static_cast<long long>(view.image) * r.source + view.y + r.first[down];
  const unsigned char* from = r.pixels + (line * r.source + view.x + r.first[across]) * 3;
  const float* const column_weights = r.weights + across * r.most_taps;
  const float* const line_weights = r.weights + down * r.most_taps;
  RenderedPixel sum{};
  for (int i = 0; i < r.counts[view.height]; ++i, from += 3 * r.source) {
    for (int c = 0; c < 3; ++c) {
      float part = column_weights[0] * static_cast<float>(from[c]);
      for (int t = 1; t < r.counts[view.width]; ++t)
        part += column_weights[t] * static_cast<float>(from[3 * t + c]);
      sum.channel[c] = i == 0 ? line_weights[0] * part : sum.channel[c] + line_weights[i] * part;
    }
  }
  for (int c = 0; c < 3; ++c) sum.channel[c] = sum.channel[c] * r.scale[c] + r.shift[c];
  return sum;
}

// The kernel: a block renders render_threads places of render_run images, one after the other.
inline constexpr int render_threads = 256, render_run = 8;

}  // namespace smlp
