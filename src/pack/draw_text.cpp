#include "draw_text.hpp"

#include <algorithm>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_easy_font.h>
#pragma GCC diagnostic pop

namespace smlp {
namespace {

// As stb_easy_font writes it; a rectangle is four of them, the upper left first, the lower right third.
struct Vertex {
  float x, y, z;
  std::uint8_t colour[4];
};

constexpr std::size_t vertices_a_character = 24 * 4;  // no character has more rectangles

// One byte for each character, all of them in the font.
std::string to_ascii(std::string_view text) {
  std::string ascii;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;  // goes on with a character of UTF-8
    ascii += byte >= ' ' && byte <= '~' ? c : '?';
  }
  return ascii;
}

int ascii_width(std::string text, int scale) {
  return stb_easy_font_width(text.data()) * scale;
}

void fill(Image& image, int left, int top, int right, int bottom, std::array<std::uint8_t, 3> colour) {
  for (int y = std::max(top, 0); y < std::min(bottom, image.height); ++y)
    for (int x = std::max(left, 0); x < std::min(right, image.width); ++x)
      std::copy(colour.begin(), colour.end(), image.pixels.begin() + (std::int64_t{y} * image.width + x) * 3);
}

}  // namespace

int text_width(std::string_view text, int scale) {
  return ascii_width(to_ascii(text), scale);
}

std::string fit_text(std::string_view text, int scale, int width) {
  std::string ascii = to_ascii(text);
  if (ascii_width(ascii, scale) <= width) return ascii;
  while (!ascii.empty() && ascii_width(ascii + "..", scale) > width) ascii.pop_back();
  return ascii + "..";
}

void draw_text(Image& image, int x, int y, std::string_view text, int scale,
               std::array<std::uint8_t, 3> colour) {
  std::string ascii = to_ascii(text);
  std::vector<Vertex> vertices(ascii.size() * vertices_a_character);
  const int rectangles = stb_easy_font_print(0, 0, ascii.data(), nullptr, vertices.data(),
                                             static_cast<int>(vertices.size() * sizeof(Vertex)));
  for (int i = 0; i < rectangles; ++i) {
    const Vertex &first = vertices[i * 4], &last = vertices[i * 4 + 2];
    fill(image, x + static_cast<int>(first.x) * scale, y + static_cast<int>(first.y) * scale,
         x + static_cast<int>(last.x) * scale, y + static_cast<int>(last.y) * scale, colour);
  }
}

}  // namespace smlp
