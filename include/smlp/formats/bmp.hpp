#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include "smlp/formats/image.hpp"

namespace smlp {

// Decodes a BMP of 1 to 32 bits to RGB, alpha dropped. Compressed ones, broken or truncated data, or over
// max_image_pixels: Error(data) naming `name`.
Image decode_bmp(std::span<const std::byte> bytes, std::string_view name);

}  // namespace smlp
