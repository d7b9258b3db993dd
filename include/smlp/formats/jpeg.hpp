#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include "smlp/formats/image.hpp"

namespace smlp {

// Decodes a JPEG with libjpeg-turbo's accurate inverse DCT and fancy upsampling (what PIL and torchvision
// give). Grey and CMYK/YCCK (Adobe's inverted) become RGB; EXIF rotation is ignored, as in the reference
// pipelines. at_least > 0: at the smallest of the decoder's scales (n/8, n ≤ 8) at which both sides have that
// many pixels. Broken or truncated data, over max_image_pixels or over 500 scans: Error(data) naming `name`.
Image decode_jpeg(std::span<const std::byte> bytes, std::string_view name, int at_least = 0);

}  // namespace smlp
