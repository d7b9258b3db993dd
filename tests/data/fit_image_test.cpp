#include "smlp/data/fit_image.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"

namespace smlp {
namespace {

// Each pixel says its place.
Image places(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int value : {x, y, 0}) image.pixels.push_back(static_cast<std::uint8_t>(value));
  return image;
}

TEST(FitImage, OfAnImageOfSizeByCropPctTheMiddleIsCutOut) {
  const Image cut = fit_image(places(40, 20), 10, "crop", "x", 0.5);
  ASSERT_EQ(cut.width, 10);
  EXPECT_EQ(cut.pixels[0], 15);
  EXPECT_EQ(cut.pixels[1], 5);
  EXPECT_EQ(fit_image(places(20, 20), 10, "squash", "x", 0.5).pixels[0], 5);
  EXPECT_EQ(fit_image(places(10, 10), 10, "crop", "x").pixels, places(10, 10).pixels);
  EXPECT_NE(fit_image(places(10, 10), 10, "crop", "x", 0.5).pixels, places(10, 10).pixels)
      << "timm enlarges an image of the right size too";
}

}  // namespace
}  // namespace smlp
