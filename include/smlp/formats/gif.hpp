#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include "smlp/formats/image.hpp"

namespace smlp {

// Decodes a GIF's first frame to RGB as PIL does: transparent pixels have their palette's colour, and so have
// those outside the frame. Broken or truncated data up to that frame's end, or over max_image_pixels:
// Error(data) naming `name`.
Image decode_gif(std::span<const std::byte> bytes, std::string_view name);

}  // namespace smlp
