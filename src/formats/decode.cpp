#include "smlp/formats/decode.hpp"

#include <cstring>

#include "smlp/core/error.hpp"
#include "smlp/formats/jpeg.hpp"
#include "smlp/formats/png.hpp"

namespace smlp {

ImageKind image_kind(std::span<const std::byte> bytes) {
  const auto starts = [&](std::string_view magic) {
    return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
  };
  if (starts("\xFF\xD8\xFF")) return ImageKind::jpeg;
  if (starts("\x89PNG\r\n\x1A\n")) return ImageKind::png;
  return ImageKind::none;
}

Image decode_image(std::span<const std::byte> bytes, std::string_view name, int at_least) {
  switch (image_kind(bytes)) {
    case ImageKind::jpeg:
      return decode_jpeg(bytes, name, at_least);
    case ImageKind::png:
      return decode_png(bytes, name);
    case ImageKind::none:
      break;
  }
  fail(ErrorKind::data, "{}: {} bytes that are neither JPEG nor PNG", name, bytes.size());
}

}  // namespace smlp
