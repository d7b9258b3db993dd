#include "smlp/formats/png.hpp"

#include <png.h>

#include <cstring>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

// libpng reports errors by longjmp: between setjmp and the calls below there are no objects with destructors.
struct PngSource {
  const std::byte* data;
  std::size_t size;
  std::size_t position;
  char message[128];
};

void read_bytes(png_structp png, png_bytep out, std::size_t size) {
  auto& source = *static_cast<PngSource*>(png_get_io_ptr(png));
  if (size > source.size - source.position) png_error(png, "the file is cut off");
  std::memcpy(out, source.data + source.position, size);
  source.position += size;
}

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto& source = *static_cast<PngSource*>(png_get_error_ptr(png));
  std::strncpy(source.message, message, sizeof source.message - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

class Decoder {
 public:
  Decoder(std::span<const std::byte> bytes, std::string_view name)
      : source_{bytes.data(), bytes.size(), 0, {}}, name_(name) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      fail(ErrorKind::failed, "cannot start the PNG decoder: out of memory");
    }
  }
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Image decode() {
    if (!read_header()) broken();
    const std::int64_t width = png_get_image_width(png_, info_);
    const std::int64_t height = png_get_image_height(png_, info_);
    if (width * height > max_image_pixels)
      fail(ErrorKind::data, "{}: a PNG of {} x {} pixels, at most {} are accepted", name_, width, height,
           max_image_pixels);
    if (!choose_rgb()) broken();
    Image image{static_cast<int>(width), static_cast<int>(height), {}};
    image.pixels.resize(static_cast<std::size_t>(width * height * 3));
    if (!read_pixels(image.pixels.data(), static_cast<std::size_t>(width) * 3,
                     static_cast<png_uint_32>(height)))
      broken();
    return image;
  }

 private:
  [[noreturn]] void broken() const {
    fail(ErrorKind::data, "{}: not a readable PNG: {} at byte {}", name_, source_.message, source_.position);
  }

  bool read_header() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_read_fn(png_, &source_, read_bytes);
    png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);  // the product is checked by decode()
    png_read_info(png_, info_);
    return true;
  }

  bool choose_rgb() {
    if (setjmp(png_jmpbuf(png_))) return false;
    const int colours = png_get_color_type(png_, info_);
    if (colours == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if (colours == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png_);
    if (png_get_bit_depth(png_, info_) == 16) png_set_strip_16(png_);
    if ((colours & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png_);
    png_set_strip_alpha(png_);
    return true;
  }

  bool read_pixels(png_bytep pixels, std::size_t row_bytes, png_uint_32 height) {
    if (setjmp(png_jmpbuf(png_))) return false;
    const int passes = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != row_bytes) png_error(png_, "rows of an unexpected length");
    for (int pass = 0; pass < passes; ++pass)
      for (png_uint_32 y = 0; y < height; ++y) png_read_row(png_, pixels + y * row_bytes, nullptr);
    png_read_end(png_, nullptr);
    return true;
  }

  PngSource source_;
  std::string_view name_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Image decode_png(std::span<const std::byte> bytes, std::string_view name) {
  return Decoder(bytes, name).decode();
}

std::string encode_png(const Image& image) {
  png_image description{};
  description.version = PNG_IMAGE_VERSION;
  description.width = static_cast<png_uint_32>(image.width);
  description.height = static_cast<png_uint_32>(image.height);
  description.format = PNG_FORMAT_RGB;
  if (image.width < 1 || image.height < 1 || std::int64_t{image.width} * image.height > max_image_pixels ||
      image.pixels.size() != PNG_IMAGE_SIZE(description))
    fail(ErrorKind::failed, "an image of {} x {} with {} bytes cannot be written as PNG", image.width,
         image.height, image.pixels.size());
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(description);
  std::string bytes(size, '\0');
  if (!png_image_write_to_memory(&description, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr))
    fail(ErrorKind::failed, "cannot write a PNG: {}", description.message);
  bytes.resize(size);
  return bytes;
}

}  // namespace smlp
