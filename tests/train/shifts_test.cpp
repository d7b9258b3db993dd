#include "smlp/train/shifts.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "smlp/batches/image_batches.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/data/pixel_permutation.hpp"
#include "smlp/nn/model.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

constexpr int size = 12, classes = 10;

// Predicts by where the middle line of the first channel is brightest. `order`: the pixels it sees are
// permuted so.
class BrightestColumn : public Model {
 public:
  explicit BrightestColumn(torch::Tensor order = torch::arange(size * size)) : place_(order.argsort()) {}
  torch::Tensor features(const torch::Tensor& images) override {
    return images.flatten(2)
        .index_select(2, place_)
        .view({-1, 3, size, size})
        .select(1, 0)
        .select(1, size / 2);
  }
  torch::Tensor head(const torch::Tensor& features) override { return features.narrow(1, 1, classes); }

 private:
  torch::Tensor place_;
};

// The image at [y - down, x - right] comes to [y, x], zero from outside.
torch::Tensor moved(const torch::Tensor& images, int right, int down) {
  torch::Tensor result = torch::zeros_like(images);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x)
      if (y - down >= 0 && y - down < size && x - right >= 0 && x - right < size)
        result.select(3, x).select(2, y).copy_(images.select(3, x - right).select(2, y - down));
  return result;
}

class ShiftsTest : public ::testing::Test {
 protected:
  std::vector<ShiftResult> shifts(Model& model, std::int64_t most,
                                  std::optional<std::int64_t> permuted = {}) {
    const EvaluationOptions options{
        .image_size = size, .batch_size = 64, .workers = 0, .permute_pixels = permuted};
    return evaluate_shifts(model, device_, data_, data_->info().statistics, options, most).value();
  }

  const std::shared_ptr<const Dataset> data_ = open_dataset("shapes", "test");
  const Device device_{};
};

TEST_F(ShiftsTest, EachIsTheMeanOverFourDirections) {
  BrightestColumn model;
  const std::vector<ShiftResult> found = shifts(model, 2);
  const EvaluationImages source(data_, {}, RenderOptions{data_->info().statistics, size, data_->size()});
  HostBuffers buffers;
  const Batch all = source.make(0, buffers);
  const torch::NoGradGuard no_grad;
  const torch::Tensor still = model.forward(all.images).argmax(1);
  ASSERT_EQ(found.size(), 3u);
  for (const int pixels : {0, 1, 2}) {
    double agreement = 0, top1 = 0;
    for (const auto& [right, down] :
         {std::pair(-pixels, 0), std::pair(pixels, 0), std::pair(0, -pixels), std::pair(0, pixels)}) {
      const torch::Tensor predicted = model.forward(moved(all.images, right, down)).argmax(1);
      agreement += 25 * (predicted == still).to(torch::kFloat64).mean().item<double>();
      top1 += 25 * (predicted == all.labels).to(torch::kFloat64).mean().item<double>();
    }
    EXPECT_EQ(found[static_cast<std::size_t>(pixels)].pixels, pixels);
    EXPECT_NEAR(found[static_cast<std::size_t>(pixels)].agreement, agreement, 1e-9);
    EXPECT_NEAR(found[static_cast<std::size_t>(pixels)].top1, top1, 1e-9);
  }
  EXPECT_EQ(found[0].agreement, 100);
  EXPECT_LT(found[1].agreement, 100);
}

TEST_F(ShiftsTest, WhatIsPermutedIsMovedBefore) {
  BrightestColumn model;
  BrightestColumn of_permuted(torch::tensor(pixel_permutation(9, size), torch::kInt64));
  const std::vector<ShiftResult> plain = shifts(model, 1), permuted = shifts(of_permuted, 1, 9);
  EXPECT_EQ(plain[1].agreement, permuted[1].agreement);
  EXPECT_EQ(plain[1].top1, permuted[1].top1);
}

TEST_F(ShiftsTest, OutOfTheImageIsRefused) {
  BrightestColumn model;
  for (const int most : {0, size}) testing::error_of(ErrorKind::usage, [&] { shifts(model, most); });
}

}  // namespace
}  // namespace smlp
