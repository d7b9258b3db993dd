#include "smlp/data/sources/source.hpp"

#include <algorithm>
#include <cstring>

#include "smlp/core/error.hpp"
#include "smlp/formats/jpeg.hpp"
#include "smlp/formats/png.hpp"

namespace smlp {

bool SourceRequest::wants(std::string_view split) const {
  return splits.empty() || std::find(splits.begin(), splits.end(), split) != splits.end();
}

std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t slash = path.find('/');
    if (slash != 0 && !path.empty()) parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

bool is_hidden(const std::vector<std::string_view>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [](std::string_view each) { return each[0] == '.' || each == "__MACOSX"; });
}

ImageKind image_kind(std::span<const std::byte> bytes) {
  const auto starts = [&](std::string_view magic) {
    return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
  };
  if (starts("\xFF\xD8\xFF")) return ImageKind::jpeg;
  if (starts("\x89PNG\r\n\x1A\n")) return ImageKind::png;
  return ImageKind::none;
}

Image decode_image(std::span<const std::byte> bytes, std::string_view name) {
  switch (image_kind(bytes)) {
    case ImageKind::jpeg:
      return decode_jpeg(bytes, name);
    case ImageKind::png:
      return decode_png(bytes, name);
    case ImageKind::none:
      break;
  }
  fail(ErrorKind::data, "{}: {} bytes that are neither JPEG nor PNG", name, bytes.size());
}

}  // namespace smlp
