#include "smlp/analysis/coordinate_check.hpp"

#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <cmath>

#include "support/errors.hpp"
#include "support/experiments.hpp"

namespace smlp {
namespace {

std::vector<WidthSlopes> slopes(const CoordinateOptions& options, std::vector<std::string> settings) {
  settings.insert(settings.end(), {"data.image_size=8", "model.depth=2", "train.epochs=100",
                                   "augment={crop: null, flip: 0, mixup: 0}"});
  return width_slopes(check_coordinates(testing::small_config("/nowhere", std::move(settings)), options));
}

const WidthSlopes& of(const std::vector<WidthSlopes>& all, const std::string& parametrization,
                      const std::string& layer) {
  for (const WidthSlopes& each : all)
    if (each.parametrization == parametrization && each.layer == layer) return each;
  throw std::out_of_range(layer);
}

TEST(CoordinateCheck, ChangesAreLevelUnderMupAndGrowWithTheWidthUnderTheStandardOne) {
  const std::vector<WidthSlopes> found =
      slopes({.widths = {32, 64, 128, 256}, .steps = 5, .alter = {}}, {"optim={name: lion, lr: 1e-3}"});
  ASSERT_EQ(found.size(), 2u * 6u) << "four layers of two blocks, and those at the ends";
  for (const WidthSlopes& each : found) {
    if (each.parametrization != "mup") continue;
    EXPECT_LT(std::abs(each.change), 0.3) << each.layer;
  }
  EXPECT_GT(of(found, "standard", "linear_out").change, 0.4);
  EXPECT_GT(of(found, "standard", "blocks.1.block.2").change, 0.2);
}

// What is left of the weights where nothing but decay acts on them for long, and were it not divided by a
// rate that grows smaller with the width.
TEST(CoordinateCheck, WeightsAreLevelUnlessTheirDecayIsWrong) {
  const std::vector<std::string> settings{"optim={name: lion, lr: 1e-3, weight_decay: 10}"};
  CoordinateOptions options{.widths = {32, 128}, .steps = 150, .parametrizations = {"mup"}, .alter = {}};
  const std::vector<WidthSlopes> right = slopes(options, settings);
  options.alter = [](Parameter& p) { p.weight_decay = 10; };
  const std::vector<WidthSlopes> wrong = slopes(options, settings);
  const std::string layer = "blocks.0.block.0";
  EXPECT_LT(std::abs(of(right, "mup", layer).weight), 0.05);
  EXPECT_GT(of(wrong, "mup", layer).weight, 0.15);
}

TEST(CoordinateCheck, ModelsWithoutAParametrisationAreRefused) {
  const std::string vit = testing::error_of(ErrorKind::usage, [] {
    slopes({.widths = {32, 64}, .steps = 1, .alter = {}}, {"model.name=vit"});
  });
  EXPECT_NE(vit.find("vit has no model.parametrization"), std::string::npos) << vit;
  EXPECT_THROW(slopes({.widths = {32, 32}, .steps = 1, .alter = {}}, {}), Error);
}

}  // namespace
}  // namespace smlp
