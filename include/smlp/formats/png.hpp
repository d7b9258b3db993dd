#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "smlp/formats/image.hpp"

namespace smlp {

// Decodes a PNG to RGB: grey and palette expanded, 16 bits cut to 8, alpha dropped. Broken or truncated data
// or over max_image_pixels: Error(data) naming `name`.
Image decode_png(std::span<const std::byte> bytes, std::string_view name);

// The bytes of an RGB PNG file.
std::string encode_png(const Image& image);

}  // namespace smlp
