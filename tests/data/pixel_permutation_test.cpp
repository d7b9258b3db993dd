#include "smlp/data/pixel_permutation.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "smlp/data/renderer.hpp"

namespace smlp {
namespace {

TEST(PixelPermutation, IsOneOfAllPlacesByItsSeed) {
  std::vector<std::int64_t> order = pixel_permutation(3, 9);
  EXPECT_EQ(order, pixel_permutation(3, 9));
  EXPECT_NE(order, pixel_permutation(4, 9));
  EXPECT_FALSE(std::ranges::is_sorted(order));
  std::ranges::sort(order);
  for (std::int64_t i = 0; i < 81; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

// The permutation is of what augmentation made, so that a crop and a flip are those of the image.
TEST(PixelPermutation, OfARenderedCropEveryChannelIsPermutedAlike) {
  constexpr int side = 12, size = 7, plane = size * size;
  std::vector<std::uint8_t> image(std::size_t{3} * side * side);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(i * 37);
  const ChannelStatistics normalization{{0.5, 0.4, 0.3}, {0.2, 0.3, 0.4}};
  const CropBox box{2, 1, 9, 10, true};
  std::vector<float> still(3 * plane), permuted(3 * plane);
  Renderer(side, size, normalization).render(image.data(), box, still.data());
  Renderer(side, size, normalization, 5).render(image.data(), box, permuted.data());
  const std::vector<std::int64_t> order = pixel_permutation(5, size);
  for (int i = 0; i < 3 * plane; ++i)
    EXPECT_EQ(permuted[i], still[i / plane * plane + order[static_cast<std::size_t>(i % plane)]]) << i;
}

}  // namespace
}  // namespace smlp
