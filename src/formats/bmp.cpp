#include "smlp/formats/bmp.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include "smlp/core/error.hpp"

#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace smlp {
namespace {

// stb takes what lies behind the end for zeros: that it asked for it is noted here.
struct BmpSource {
  std::span<const std::byte> bytes;
  std::size_t position = 0;
  bool ended = false;
};

int read_bytes(void* user, char* out, int size) {
  auto& source = *static_cast<BmpSource*>(user);
  const std::size_t count = std::min(source.bytes.size() - source.position, static_cast<std::size_t>(size));
  std::memcpy(out, source.bytes.data() + source.position, count);
  source.position += count;
  source.ended = source.ended || count == 0;
  return static_cast<int>(count);
}

void skip_bytes(void* user, int size) {
  auto& source = *static_cast<BmpSource*>(user);
  const std::int64_t wanted = static_cast<std::int64_t>(source.position) + size;
  source.position = static_cast<std::size_t>(std::clamp<std::int64_t>(wanted, 0, std::ssize(source.bytes)));
}

int is_at_end(void* user) {
  const auto& source = *static_cast<const BmpSource*>(user);
  return source.position == source.bytes.size();
}

constexpr stbi_io_callbacks callbacks{read_bytes, skip_bytes, is_at_end};

struct FreePixels {
  void operator()(stbi_uc* pixels) const { stbi_image_free(pixels); }
};

}  // namespace

Image decode_bmp(std::span<const std::byte> bytes, std::string_view name) {
  int width = 0, height = 0, channels = 0;
  BmpSource header{bytes};
  if (!stbi_info_from_callbacks(&callbacks, &header, &width, &height, &channels))
    fail(ErrorKind::data, "{}: not a readable BMP: {}", name, stbi_failure_reason());
  if (width < 1 || height == 0 || std::int64_t{width} * std::abs(std::int64_t{height}) > max_image_pixels)
    fail(ErrorKind::data, "{}: a BMP of {} x {} pixels, 1 to {} are accepted", name, width, height,
         max_image_pixels);
  BmpSource source{bytes};
  const std::unique_ptr<stbi_uc, FreePixels> rgb(
      stbi_load_from_callbacks(&callbacks, &source, &width, &height, &channels, 3));
  if (!rgb) fail(ErrorKind::data, "{}: not a readable BMP: {}", name, stbi_failure_reason());
  if (source.ended) fail(ErrorKind::data, "{}: not a readable BMP: the file is cut off", name);
  const std::size_t size =
      std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  return {width, height, {rgb.get(), rgb.get() + size}};
}

}  // namespace smlp
