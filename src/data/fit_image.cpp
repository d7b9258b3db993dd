#include "smlp/data/fit_image.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "smlp/core/error.hpp"
#include "smlp/formats/resample.hpp"

namespace smlp {
namespace {

Image crop_to(const Image& image, int size, const std::string& name) {
  const std::int64_t shorter = std::min(image.width, image.height);
  const std::int64_t width = size * std::int64_t{image.width} / shorter,
                     height = size * std::int64_t{image.height} / shorter;
  if (width * height > max_image_pixels)
    fail(ErrorKind::data, "{}: {}×{} pixels are too long and narrow to crop; take --resize squash", name,
         image.width, image.height);
  const std::vector<std::uint8_t> scaled =
      resize_rgb(image.pixels.data(), image.width, 0, 0, image.width, image.height, static_cast<int>(width),
                 static_cast<int>(height));
  const auto x = static_cast<std::int64_t>(std::nearbyint((width - size) / 2.0));
  const auto y = static_cast<std::int64_t>(std::nearbyint((height - size) / 2.0));
  Image result{size, size, std::vector<std::uint8_t>(std::size_t{3} * size * size)};
  for (int row = 0; row < size; ++row)
    std::memcpy(result.pixels.data() + std::size_t{3} * row * size,
                scaled.data() + ((y + row) * width + x) * 3, std::size_t{3} * size);
  return result;
}

}  // namespace

Image fit_image(Image image, int size, const std::string& resize, const std::string& name) {
  if (image.width == size && image.height == size) return image;
  if (resize == "crop") return crop_to(image, size, name);
  return {size, size,
          resize_rgb(image.pixels.data(), image.width, 0, 0, image.width, image.height, size, size)};
}

}  // namespace smlp
