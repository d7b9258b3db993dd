#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "smlp/formats/image.hpp"

namespace smlp {

// A small bitmap font of ASCII characters for labels in pictures; every other character is drawn as '?'.
inline constexpr int text_height = 10;  // pixels at scale 1, with what hangs below the line

int text_width(std::string_view text, int scale);

// The text, cut and ended with ".." where it is wider than `width` pixels.
std::string fit_text(std::string_view text, int scale, int width);

// Draws with the upper left corner at (x, y); what lies outside the image is left out.
void draw_text(Image& image, int x, int y, std::string_view text, int scale,
               std::array<std::uint8_t, 3> colour);

}  // namespace smlp
