#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include "smlp/formats/image.hpp"

namespace smlp {

// Decodes a WebP, of an animation the first frame, to RGB as PIL does: alpha dropped, whatever no frame
// covers black. Broken or truncated data or over max_image_pixels: Error(data) naming `name`.
Image decode_webp(std::span<const std::byte> bytes, std::string_view name);

}  // namespace smlp
