#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include "smlp/formats/image.hpp"

namespace smlp {

enum class ImageKind { none, jpeg, png, webp, bmp, gif };
inline constexpr std::size_t image_kind_bytes = 32;      // of a file, that tell its kind
ImageKind image_kind(std::span<const std::byte> bytes);  // by the file's first bytes

// Decodes an image file of one of these kinds. With at_least > 0 a JPEG may be decoded at the smallest of its
// own scales (eighths) at which both sides have so many pixels, which is faster and gives other pixels than
// shrinking the whole. Anything else, and broken files: Error(data) naming `name`.
Image decode_image(std::span<const std::byte> bytes, std::string_view name, int at_least = 0);

}  // namespace smlp
