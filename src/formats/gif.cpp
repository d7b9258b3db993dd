#include "smlp/formats/gif.hpp"

#include <gif_lib.h>

#include <algorithm>
#include <cstring>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

struct GifSource {
  std::span<const std::byte> rest;
};

int read_bytes(GifFileType* gif, GifByteType* out, int size) {
  auto& rest = static_cast<GifSource*>(gif->UserData)->rest;
  const std::size_t count = std::min(rest.size(), static_cast<std::size_t>(size));
  std::memcpy(out, rest.data(), count);
  rest = rest.subspan(count);
  return static_cast<int>(count);
}

class Decoder {
 public:
  Decoder(std::span<const std::byte> bytes, std::string_view name) : source_{bytes}, name_(name) {
    int error = 0;
    gif_ = DGifOpen(&source_, read_bytes, &error);
    if (gif_ == nullptr) broken(error);
  }
  ~Decoder() { DGifCloseFile(gif_, nullptr); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Image decode() {
    find_frame();
    const GifImageDesc& frame = gif_->Image;
    const std::int64_t width = std::max(gif_->SWidth, frame.Left + frame.Width),
                       height = std::max(gif_->SHeight, frame.Top + frame.Height);
    if (width * height > max_image_pixels || frame.Width < 1 || frame.Height < 1)
      fail(ErrorKind::data, "{}: a GIF of {} x {} pixels, 1 to {} are accepted", name_, width, height,
           max_image_pixels);
    std::vector<GifPixelType> indices(static_cast<std::size_t>(width * height),
                                      static_cast<GifPixelType>(std::max(transparent_, 0)));
    read_frame(indices.data() + frame.Top * width + frame.Left, width);
    return {static_cast<int>(width), static_cast<int>(height), colours_of(indices)};
  }

 private:
  [[noreturn]] void broken(int error) const {
    const char* const reason = GifErrorString(error);
    fail(ErrorKind::data, "{}: not a readable GIF: {}", name_,
         reason != nullptr ? reason : "it has no frame");
  }

  void check(int result) const {
    if (result == GIF_ERROR) broken(gif_->Error);
  }

  void find_frame() {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    while (type != IMAGE_DESC_RECORD_TYPE) {
      check(DGifGetRecordType(gif_, &type));
      if (type == EXTENSION_RECORD_TYPE) read_extension();
      if (type == TERMINATE_RECORD_TYPE) broken(0);
    }
    check(DGifGetImageDesc(gif_));
  }

  void read_extension() {
    int code = 0;
    GifByteType* block = nullptr;
    check(DGifGetExtension(gif_, &code, &block));
    while (block != nullptr) {
      GraphicsControlBlock control;
      if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        transparent_ = control.TransparentColor;
      check(DGifGetExtensionNext(gif_, &block));
    }
  }

  void read_frame(GifPixelType* first, std::int64_t stride) {
    const GifImageDesc& frame = gif_->Image;
    struct Pass {
      int first, step;
    };
    const std::vector<Pass> passes =
        frame.Interlace ? std::vector<Pass>{{0, 8}, {4, 8}, {2, 4}, {1, 2}} : std::vector<Pass>{{0, 1}};
    for (const Pass& pass : passes)
      for (int y = pass.first; y < frame.Height; y += pass.step)
        check(DGifGetLine(gif_, first + y * stride, frame.Width));
  }

  // A number beyond the palette, or of a file without one, is a grey.
  std::vector<std::uint8_t> colours_of(const std::vector<GifPixelType>& indices) const {
    const ColorMapObject* const map =
        gif_->Image.ColorMap != nullptr ? gif_->Image.ColorMap : gif_->SColorMap;
    std::vector<std::uint8_t> rgb;
    rgb.reserve(3 * indices.size());
    for (const GifPixelType index : indices) {
      const bool known = map != nullptr && index < map->ColorCount;
      const GifColorType colour = known ? map->Colors[index] : GifColorType{index, index, index};
      rgb.insert(rgb.end(), {colour.Red, colour.Green, colour.Blue});
    }
    return rgb;
  }

  GifSource source_;
  std::string_view name_;
  GifFileType* gif_ = nullptr;
  int transparent_ = NO_TRANSPARENT_COLOR;
};

}  // namespace

Image decode_gif(std::span<const std::byte> bytes, std::string_view name) {
  return Decoder(bytes, name).decode();
}

}  // namespace smlp
