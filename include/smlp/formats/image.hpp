#pragma once
#include <cstdint>
#include <vector>

namespace smlp {

// An 8-bit RGB image: pixels[(y * width + x) * 3 + channel].
struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;
};

// More pixels than this are refused by every decoder before anything is allocated.
inline constexpr std::int64_t max_image_pixels = 64'000'000;

}  // namespace smlp
