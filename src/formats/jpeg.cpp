#include "smlp/formats/jpeg.hpp"

#include <turbojpeg.h>

#include <memory>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

struct DestroyHandle {
  void operator()(void* handle) const { tjDestroy(handle); }
};

struct Header {
  int width = 0, height = 0, colours = -1;
};

Header read_header(tjhandle handle, std::span<const std::byte> bytes, std::string_view name) {
  Header header;
  int subsampling = -1;
  const int result =
      tjDecompressHeader3(handle, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                          &header.width, &header.height, &subsampling, &header.colours);
  // Subsampling that TurboJPEG has no name for is reported as an error, but decodes well.
  const bool known = header.width > 0 && header.height > 0 && header.colours >= 0;
  if (result != 0 && !(known && subsampling < 0))
    fail(ErrorKind::data, "{}: not a readable JPEG: {}", name, tjGetErrorStr2(handle));
  if (std::int64_t{header.width} * header.height > max_image_pixels)
    fail(ErrorKind::data, "{}: a JPEG of {} x {} pixels, at most {} are accepted", name, header.width,
         header.height, max_image_pixels);
  return header;
}

// The decoder's own scales are used between 1/8 and 1 only: all of them shrink.
void scale_down(Header& header, int at_least) {
  const int whole_width = header.width, whole_height = header.height;
  for (int eighths = 7; eighths >= 1; --eighths) {
    const int width = TJSCALED(whole_width, (tjscalingfactor{eighths, 8})),
              height = TJSCALED(whole_height, (tjscalingfactor{eighths, 8}));
    if (width < at_least || height < at_least) return;
    header.width = width;
    header.height = height;
  }
}

std::vector<std::uint8_t> decode(tjhandle handle, std::span<const std::byte> bytes, const Header& header,
                                 TJPF format, std::string_view name) {
  std::vector<std::uint8_t> pixels(std::size_t(header.width) * std::size_t(header.height) *
                                   std::size_t(tjPixelSize[format]));
  const int flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
  if (tjDecompress2(handle, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), pixels.data(),
                    header.width, 0, header.height, format, flags) != 0)
    fail(ErrorKind::data, "{}: broken JPEG: {}", name, tjGetErrorStr2(handle));
  return pixels;
}

// The stored values are inverted, as Adobe's programs write them: 255 is no ink. Rounded as PIL does.
std::vector<std::uint8_t> rgb_from_inverted_cmyk(const std::vector<std::uint8_t>& cmyk) {
  std::vector<std::uint8_t> rgb(cmyk.size() / 4 * 3);
  for (std::size_t i = 0; i < cmyk.size() / 4; ++i) {
    const int white = cmyk[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const int scaled = (255 - cmyk[4 * i + c]) * white + 128;
      const int ink = (scaled + (scaled >> 8)) >> 8;
      rgb[3 * i + c] = static_cast<std::uint8_t>(white - ink);
    }
  }
  return rgb;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, std::string_view name, int at_least) {
  if (bytes.empty()) fail(ErrorKind::data, "{}: an empty file, not a JPEG", name);
  // A new one each time (microseconds): after an error the handle keeps the broken image's state.
  const std::unique_ptr<void, DestroyHandle> decoder(tjInitDecompress());
  if (!decoder) fail(ErrorKind::failed, "cannot start the JPEG decoder: {}", tjGetErrorStr2(nullptr));
  const tjhandle handle = decoder.get();
  Header header = read_header(handle, bytes, name);
  if (at_least > 0) scale_down(header, at_least);
  Image image{header.width, header.height, {}};
  if (header.colours == TJCS_CMYK || header.colours == TJCS_YCCK)
    image.pixels = rgb_from_inverted_cmyk(decode(handle, bytes, header, TJPF_CMYK, name));
  else
    image.pixels = decode(handle, bytes, header, TJPF_RGB, name);
  return image;
}

}  // namespace smlp
