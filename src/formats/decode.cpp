#include "smlp/formats/decode.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "smlp/core/error.hpp"
#include "smlp/formats/bmp.hpp"
#include "smlp/formats/gif.hpp"
#include "smlp/formats/jpeg.hpp"
#include "smlp/formats/png.hpp"
#include "smlp/formats/webp.hpp"

namespace smlp {
namespace {

// Text may begin with "BM" too: its header's size and two reserved numbers tell them apart.
bool is_bmp(std::string_view text) {
  constexpr std::string_view header_sizes("\x0c\x28\x34\x38\x40\x6c\x7c", 7);
  return text.size() >= 18 && text.starts_with("BM") &&
         text.substr(6, 4) == std::string_view("\0\0\0\0", 4) &&
         header_sizes.find(text[14]) != std::string_view::npos &&
         text.substr(15, 3) == std::string_view("\0\0\0", 3);
}

}  // namespace

ImageKind image_kind(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), image_kind_bytes));
  if (text.starts_with("\xFF\xD8\xFF")) return ImageKind::jpeg;
  if (text.starts_with("\x89PNG\r\n\x1A\n")) return ImageKind::png;
  if (text.starts_with("RIFF") && text.size() >= 12 && text.substr(8, 4) == "WEBP") return ImageKind::webp;
  if (text.starts_with("GIF87a") || text.starts_with("GIF89a")) return ImageKind::gif;
  return is_bmp(text) ? ImageKind::bmp : ImageKind::none;
}

Image decode_image(std::span<const std::byte> bytes, std::string_view name, int at_least) {
  if (bytes.empty()) fail(ErrorKind::data, "{}: the file is empty (0 bytes)", name);
  switch (image_kind(bytes)) {
    case ImageKind::jpeg:
      return decode_jpeg(bytes, name, at_least);
    case ImageKind::png:
      return decode_png(bytes, name);
    case ImageKind::webp:
      return decode_webp(bytes, name);
    case ImageKind::bmp:
      return decode_bmp(bytes, name);
    case ImageKind::gif:
      return decode_gif(bytes, name);
    case ImageKind::none:
      break;
  }
  fail(ErrorKind::data, "{}: {} bytes that are neither JPEG, PNG, WebP, BMP nor GIF", name, bytes.size());
}

}  // namespace smlp
