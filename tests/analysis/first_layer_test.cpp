#include "smlp/analysis/first_layer.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "smlp/core/error.hpp"
#include "smlp/data/pixel_permutation.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/config_files.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

int grey(const Image& image, int x, int y) {
  return image.pixels[3 * (static_cast<std::size_t>(y) * image.width + x)];
}

TEST(FirstLayer, DrawsTheMaximumOverChannelsOfEachRow) {
  torch::Tensor weight = torch::zeros({30, 3, 64, 64});
  weight[1][2][10][20] = 4;   // brightest pixel of the second filter, in one channel only
  weight[1][0][10][20] = -9;  // not the maximum
  weight[7][1][0][63] = 2;
  const Image page = first_layer_picture(weight.reshape({30, -1}), FilterChoice::first);
  EXPECT_EQ(page.width, 5 * 64 + 4 * 2);
  EXPECT_EQ(grey(page, 66 + 20, 10), 255);
  EXPECT_EQ(grey(page, 66 + 21, 10), 0);
  EXPECT_EQ(grey(page, 2 * 66 + 63, 66), 255);
  EXPECT_EQ(grey(page, 64, 0), 255) << "the gap";
}

TEST(FirstLayer, LargestAreThoseOfTheLargestNorm) {
  torch::Tensor weight = torch::zeros({40, 3, 64, 64});
  weight[39][0][5][5] = 7;
  const torch::Tensor rows = weight.reshape({40, -1});
  EXPECT_EQ(grey(first_layer_picture(rows, FilterChoice::largest), 5, 5), 255);
  EXPECT_EQ(grey(first_layer_picture(rows, FilterChoice::first), 5, 5), 0);
}

TEST(FirstLayer, NeighboursAreUnrelatedInNoiseAndAlikeInSmoothPictures) {
  torch::manual_seed(0);
  EXPECT_NEAR(neighbour_correlation(torch::randn({50, 3 * 64 * 64})), 0, 0.01);
  const torch::Tensor wave = torch::sin(torch::arange(64) * 0.1);
  const torch::Tensor smooth = torch::outer(wave, wave).flatten().repeat({10, 3});
  EXPECT_GT(neighbour_correlation(smooth), 0.98);
  const torch::Tensor board = (torch::arange(64).unsqueeze(1) + torch::arange(64)) % 2;
  EXPECT_NEAR(neighbour_correlation(board.flatten().repeat({2, 3}).to(torch::kFloat32)), -1, 1e-9);
}

TEST(FirstLayer, OfPermutedPixelsItIsDrawnAsTheImageLies) {
  testing::TempDir temp;
  const RunConfig config = parse_run_config(
      "{model: {name: s_mlp, depth: 1, width: 8}, data: {image_size: 16, permute_pixels: 5}}", "test", {});
  const auto model = build_model(config.model, 16, 3);
  const torch::Tensor wave = torch::sin(torch::arange(16) * 0.2 + 0.5);
  const torch::Tensor order = torch::tensor(pixel_permutation(5, 16), torch::kInt64);
  {
    const torch::NoGradGuard no_grad;
    model->named_parameters()["linear_in.weight"].copy_(
        torch::outer(wave, wave).flatten().index_select(0, order).repeat({8, 3}));
  }
  TrainingState state;
  state.classes = {"a", "b", "c"};
  state.normalization = {{0, 0, 0}, {1, 1, 1}};
  state.config = config.yaml();
  write_checkpoint_folder(temp / "checkpoint", {model_part(*model)}, state);
  EXPECT_GT(first_layer_of((temp / "checkpoint").string(), false, FilterChoice::first).correlation, 0.9);
}

TEST(FirstLayer, SmallPicturesAreEnlargedAndStandSideBySide) {
  const Image small = first_layer_picture(torch::rand({4, 3 * 32 * 32}), FilterChoice::first);
  EXPECT_EQ(small.width, 5 * 64 + 4 * 2);
  const Image both = side_by_side({small, small});
  EXPECT_EQ(both.width, 2 * small.width + 12);
  EXPECT_EQ(grey(both, small.width + 12, 0), grey(small, 0, 0));
  testing::error_of(ErrorKind::data, [] { first_layer_picture(torch::rand({4, 100}), FilterChoice::first); });
}

}  // namespace
}  // namespace smlp
