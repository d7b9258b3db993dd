#include "smlp/data/augment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/augment_golden.hpp"
#include "smlp/core/rng.hpp"
#include "smlp/data/renderer.hpp"
#include "support/errors.hpp"
#include "support/images.hpp"

namespace smlp {
namespace {

using testing::error_of;

const ChannelStatistics imagenet = family_statistics("imagenet");

// One output value in double precision, straight from the definition: half-pixel centres, a triangle whose
// half width is one output sample when shrinking and one input sample when enlarging, weights normalised over
// the box.
double plain_value(const Image& image, const CropBox& box, int size, int x, int y, int c) {
  if (box.flip) x = size - 1 - x;
  const double across = double(box.width) / size, down = double(box.height) / size;
  double sum = 0, weights = 0;
  for (int v = 0; v < box.height; ++v)
    for (int u = 0; u < box.width; ++u) {
      const double wx = 1 - std::abs(u + 0.5 - (x + 0.5) * across) / std::max(1.0, across);
      const double wy = 1 - std::abs(v + 0.5 - (y + 0.5) * down) / std::max(1.0, down);
      if (wx <= 0 || wy <= 0) continue;
      weights += wx * wy;
      sum += wx * wy * image.pixels[(std::size_t(box.y + v) * image.width + box.x + u) * 3 + c];
    }
  return (sum / weights / 255 - imagenet.mean[c]) / imagenet.std[c];
}

void expect_plain(Renderer& renderer, const Image& image, const CropBox& box, int size) {
  std::vector<float> out(renderer.output_elements(), -100.0f);
  renderer.render(image.pixels.data(), box, out.data());
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < size; ++y)
      for (int x = 0; x < size; ++x)
        ASSERT_NEAR(out[(std::size_t(c) * size + y) * size + x], plain_value(image, box, size, x, y, c), 3e-5)
            << box.width << "x" << box.height << "+" << box.x << "+" << box.y << " flip " << box.flip
            << " to " << size << " at " << x << "," << y << "," << c;
}

TEST(Renderer, EqualsThePlainDefinition) {
  const Image image = testing::picture(20, 20, 3);
  for (const int size : {1, 5, 8, 20, 33}) {
    Renderer renderer(20, size, imagenet);
    for (const CropBox& box : {CropBox{0, 0, 20, 20, false},
                               {0, 0, 20, 20, true},
                               {3, 1, 8, 8, true},
                               {19, 19, 1, 1, false},
                               {2, 0, 17, 20, true},
                               {0, 5, 20, 1, false},
                               {7, 2, 5, 13, true}})
      expect_plain(renderer, image, box, size);
  }
}

TEST(Renderer, EqualsPyTorch) {
  Image image{8, 8, std::vector<std::uint8_t>(8 * 8 * 3)};
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixels[(y * 8 + x) * 3 + c] =
            static_cast<std::uint8_t>((x * 37 + y * 101 + c * 59 + x * y * 13) % 256);
  for (const GoldenCrop& each : golden_crops) {
    Renderer renderer(8, each.size, imagenet);
    std::vector<float> out(renderer.output_elements());
    renderer.render(image.pixels.data(), {each.x, each.y, each.width, each.height, each.flip != 0},
                    out.data());
    ASSERT_EQ(out.size(), each.values.size());
    for (std::size_t i = 0; i < out.size(); ++i)
      ASSERT_NEAR(out[i], each.values[i], 1e-5) << each.size << " at " << i;
  }
}

TEST(Renderer, WholeImageOfTheSameSizeIsOnlyNormalised) {
  const Image image = testing::picture(6, 6, 1);
  Renderer renderer(6, 6, imagenet);
  std::vector<float> out(renderer.output_elements());
  renderer.render(image.pixels.data(), out.data());
  for (int i = 0; i < 36; ++i)
    for (int c = 0; c < 3; ++c)
      ASSERT_NEAR(out[c * 36 + i], (image.pixels[i * 3 + c] / 255.0 - imagenet.mean[c]) / imagenet.std[c],
                  1e-6);
}

TEST(Renderer, RefusesAChannelWithoutVariance) {
  const std::string message = error_of(ErrorKind::data, [] {
    Renderer(8, 8, {{0.5, 0.5, 0.5}, {0.2, 0.0, 0.2}});
  });
  EXPECT_NE(message.find("channel 1 has deviation 0"), std::string::npos) << message;
}

TEST(DrawCrop, StaysInsideWithAreaAndRatioInTheirRanges) {
  AugmentConfig config;
  config.crop = CropConfig{{0.2, 0.9}, {0.5, 2.0}};
  double area = 0, log_ratio = 0, x = 0;
  constexpr int n = 20000, size = 64;
  int flips = 0;
  for (int i = 0; i < n; ++i) {
    const CropBox box = draw_crop(config, size, 1, 2, i);
    ASSERT_TRUE(box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0);
    ASSERT_TRUE(box.x + box.width <= size && box.y + box.height <= size);
    const double part = box.width * box.height / double(size * size), ratio = double(box.width) / box.height;
    ASSERT_TRUE(part > 0.2 - 0.02 && part < 0.9 + 0.02 && ratio > 0.5 - 0.06 && ratio < 2.0 + 0.12);
    area += part;
    log_ratio += std::log(ratio);
    x += box.width == size ? 0.5 : double(box.x) / (size - box.width);
    flips += box.flip;
  }
  EXPECT_LT(area / n,
            0.55);  // below the range's middle: large boxes of odd ratio do not fit and are drawn again
  EXPECT_GT(area / n, 0.45);
  EXPECT_NEAR(log_ratio / n, 0, 0.01);
  EXPECT_NEAR(x / n, 0.5, 0.01);
  EXPECT_NEAR(flips, n / 2, 250);
}

TEST(DrawCrop, FallsBackToTheLargestCentredBoxOfTheRatio) {
  AugmentConfig config{CropConfig{{1.0, 1.0}, {2.0, 3.0}}, 0.0, 0.0};
  CropBox box = draw_crop(config, 32, 1, 0, 0);
  EXPECT_EQ((std::vector{box.x, box.y, box.width, box.height}), (std::vector{0, 8, 32, 16}));
  config.crop->ratio = {0.25, 0.5};
  box = draw_crop(config, 32, 1, 0, 0);
  EXPECT_EQ((std::vector{box.x, box.y, box.width, box.height}), (std::vector{8, 0, 16, 32}));
}

TEST(DrawCrop, DependsOnSeedEpochAndIndexOnly) {
  const AugmentConfig config;
  const auto numbers = [&](std::uint64_t seed, std::uint32_t epoch, std::uint64_t index) {
    const CropBox box = draw_crop(config, 1000, seed, epoch, index);
    return std::vector{box.x, box.y, box.width, box.height};
  };
  EXPECT_EQ(numbers(1, 2, 3), numbers(1, 2, 3));
  EXPECT_NE(numbers(1, 2, 3), numbers(2, 2, 3));
  EXPECT_NE(numbers(1, 2, 3), numbers(1, 3, 3));
  EXPECT_NE(numbers(1, 2, 3), numbers(1, 2, 4));
}

TEST(DrawCrop, WithoutACropIsTheWholeImage) {
  const CropBox box = draw_crop({std::nullopt, 1.0, 0.0}, 17, 1, 0, 0);
  EXPECT_EQ((std::vector{box.x, box.y, box.width, box.height}), (std::vector{0, 0, 17, 17}));
  EXPECT_TRUE(box.flip);
}

TEST(DrawMixup, IsBetaByStepAndOneWhenOff) {
  AugmentConfig config;
  config.mixup = 1.0;
  double sum = 0;
  for (std::uint32_t step = 0; step < 5000; ++step) sum += draw_mixup(config, 3, step);
  EXPECT_NEAR(sum / 5000, 0.5, 0.02);
  EXPECT_EQ(draw_mixup(config, 3, 7), draw_mixup(config, 3, 7));
  config.mixup = 0;
  EXPECT_EQ(draw_mixup(config, 3, 7), 1.0);
}

TEST(CheckAugment, NamesTheKeyThatIsWrong) {
  const auto message = [](const AugmentConfig& config) {
    return error_of(ErrorKind::usage, [&] { check_augment(config); });
  };
  EXPECT_NE(message({CropConfig{{0.9, 0.1}, {1, 1}}, 0, 0}).find("augment.crop.scale is [0.9, 0.1]"),
            std::string::npos);
  EXPECT_NE(message({CropConfig{{0.1, 0.9}, {2, 1}}, 0, 0}).find("augment.crop.ratio"), std::string::npos);
  EXPECT_NE(message({std::nullopt, 1.5, 0}).find("augment.flip"), std::string::npos);
  EXPECT_NE(message({std::nullopt, 0.5, -1}).find("augment.mixup"), std::string::npos);
}

}  // namespace
}  // namespace smlp
