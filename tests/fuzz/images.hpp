#pragma once
// What the images' targets share. Large ones are left out: a few bytes that claim 60 megapixels cost as long
// as thousands of small images, and take the same way through the code.
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fuzz.hpp"
#include "smlp/formats/image.hpp"

namespace smlp::fuzz {

inline constexpr std::int64_t quick_area = 1 << 15;

inline bool quick_to_decode(std::int64_t area) {
  return area <= quick_area || area > max_image_pixels;
}

inline std::int64_t big_endian(const std::uint8_t* bytes, int count) {
  std::int64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

// The largest area that any frame header says, or what looks like one.
inline std::int64_t jpeg_area(const std::uint8_t* data, std::size_t size) {
  std::int64_t largest = 0;
  for (std::size_t i = 0; i + 9 <= size; ++i) {
    const bool frame = data[i] == 0xff && data[i + 1] >= 0xc0 && data[i + 1] <= 0xcf && data[i + 1] != 0xc4 &&
                       data[i + 1] != 0xc8 && data[i + 1] != 0xcc;
    if (frame) largest = std::max(largest, big_endian(&data[i + 5], 2) * big_endian(&data[i + 7], 2));
  }
  return largest;
}

// Sets the checksum of every chunk; the area the header says.
inline std::int64_t mend_png(std::vector<std::uint8_t>& png) {
  if (png.size() < 24) return 0;
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const auto length = static_cast<std::size_t>(big_endian(&png[at], 4));
    if (length > png.size() - at - 12) break;
    const auto sum = crc32(0, &png[at + 4], static_cast<uInt>(length + 4));
    for (std::size_t i = 0; i < 4; ++i)
      png[at + 8 + length + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
    at += 12 + length;
  }
  const std::int64_t width = big_endian(&png[16], 4), height = big_endian(&png[20], 4);
  return width > max_image_pixels || height > max_image_pixels ? max_image_pixels + 1 : width * height;
}

inline std::int64_t little_endian(const std::uint8_t* bytes, int count) {
  std::int64_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

// What the headers say; 0 where there is none.
inline std::int64_t webp_area(const std::uint8_t* data, std::size_t size) {
  if (size < 30) return 0;
  const char format = static_cast<char>(data[15]);  // of "VP8 ", "VP8L" and "VP8X"
  if (format == 'X') return (little_endian(&data[24], 3) + 1) * (little_endian(&data[27], 3) + 1);
  if (format == 'L')
    return ((little_endian(&data[21], 2) & 0x3fff) + 1) * ((little_endian(&data[22], 3) >> 6 & 0x3fff) + 1);
  return (little_endian(&data[26], 2) & 0x3fff) * (little_endian(&data[28], 2) & 0x3fff);
}

inline std::int64_t bmp_area(const std::uint8_t* data, std::size_t size) {
  if (size < 26) return 0;
  const bool old = data[14] == 12;
  const auto side = [&](int i) {
    return old ? little_endian(&data[18 + 2 * i], 2)
               : std::abs(std::int64_t{static_cast<std::int32_t>(little_endian(&data[18 + 4 * i], 4))});
  };
  return side(0) * side(1);
}

// The screen's, or the frame's where one may reach beyond it.
inline std::int64_t gif_area(const std::uint8_t* data, std::size_t size) {
  std::int64_t largest = size < 10 ? 0 : little_endian(&data[6], 2) * little_endian(&data[8], 2);
  for (std::size_t i = 13; i + 9 <= size; ++i)
    if (data[i] == ',')
      largest = std::max(largest, (little_endian(&data[i + 1], 2) + little_endian(&data[i + 5], 2)) *
                                      (little_endian(&data[i + 3], 2) + little_endian(&data[i + 7], 2)));
  return largest;
}

inline void check_image(const Image& image) {
  require(image.width > 0 && image.height > 0 &&
              std::ssize(image.pixels) == std::int64_t{3} * image.width * image.height,
          "an image whose pixels are not its size");
  const auto size = static_cast<std::uint32_t>(image.width / 8 * 64 + image.height / 8);
  count_outcome(size << 8 | image.pixels.back() >> 5 << 3 | image.pixels[image.pixels.size() / 2] >> 5);
}

}  // namespace smlp::fuzz
