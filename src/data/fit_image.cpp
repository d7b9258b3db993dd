#include "smlp/data/fit_image.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "smlp/core/error.hpp"
#include "smlp/formats/resample.hpp"

namespace smlp {
namespace {

Image centre_of(const std::vector<std::uint8_t>& pixels, std::int64_t width, std::int64_t height, int size) {
  const auto x = static_cast<std::int64_t>(std::nearbyint(static_cast<double>(width - size) / 2));
  const auto y = static_cast<std::int64_t>(std::nearbyint(static_cast<double>(height - size) / 2));
  Image result{size, size, std::vector<std::uint8_t>(std::size_t{3} * size * size)};
  for (int row = 0; row < size; ++row)
    std::memcpy(result.pixels.data() + std::size_t{3} * row * size,
                pixels.data() + ((y + row) * width + x) * 3, std::size_t{3} * size);
  return result;
}

}  // namespace

Image fit_image(Image image, int size, const std::string& resize, const std::string& name, double crop_pct) {
  const auto side = static_cast<std::int64_t>(size / crop_pct);
  if (side == size && image.width == size && image.height == size) return image;
  const std::int64_t shorter = std::min(image.width, image.height);
  const bool crop = resize == "crop";
  const std::int64_t width = crop ? side * image.width / shorter : side,
                     height = crop ? side * image.height / shorter : side;
  if (width * height > max_image_pixels)
    fail(ErrorKind::data, "{}: {}×{} pixels are too long and narrow to crop; take --resize squash", name,
         image.width, image.height);
  std::vector<std::uint8_t> scaled =
      resize_rgb(image.pixels.data(), image.width, 0, 0, image.width, image.height, static_cast<int>(width),
                 static_cast<int>(height));
  if (width == size && height == size) return {size, size, std::move(scaled)};
  return centre_of(scaled, width, height, size);
}

}  // namespace smlp
