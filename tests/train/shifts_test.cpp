#include "smlp/train/shifts.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>

#include "smlp/batches/image_batches.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/data/pixel_permutation.hpp"
#include "smlp/nn/model.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

constexpr int size = 12, classes = 10, farthest = 2;

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

  Batch all(int side) const {
    const EvaluationImages source(data_, {}, RenderOptions{data_->info().statistics, side, data_->size()});
    HostBuffers buffers;
    return source.make(0, buffers);
  }

  // `predicted`(right, down): the classes of all images moved so.
  static void expect_mean(const Stability& found, int pixels, const torch::Tensor& labels,
                          const std::function<torch::Tensor(int, int)>& predicted) {
    const torch::NoGradGuard no_grad;
    const torch::Tensor still = predicted(0, 0);
    double agreement = 0, top1 = 0;
    for (const auto& [right, down] :
         {std::pair(-pixels, 0), std::pair(pixels, 0), std::pair(0, -pixels), std::pair(0, pixels)}) {
      agreement += 25 * (predicted(right, down) == still).to(torch::kFloat64).mean().item<double>();
      top1 += 25 * (predicted(right, down) == labels).to(torch::kFloat64).mean().item<double>();
    }
    EXPECT_NEAR(found.agreement, agreement, 1e-9);
    EXPECT_NEAR(found.top1, top1, 1e-9);
  }

  const std::shared_ptr<const Dataset> data_ = open_dataset("shapes", "test");
  const Device device_{};
};

TEST_F(ShiftsTest, EachIsTheMeanOverFourDirections) {
  BrightestColumn model;
  const std::vector<ShiftResult> found = shifts(model, farthest);
  const Batch whole = all(size), larger = all(size + 2 * farthest);
  ASSERT_EQ(found.size(), farthest + 1u);
  for (int pixels = 0; pixels <= farthest; ++pixels) {
    const ShiftResult& row = found[static_cast<std::size_t>(pixels)];
    EXPECT_EQ(row.pixels, pixels);
    expect_mean(row.padded, pixels, whole.labels, [&](int right, int down) {
      return model.forward(moved(whole.images, right, down)).argmax(1);
    });
    expect_mean(row.cropped, pixels, whole.labels, [&](int right, int down) {
      return model.forward(larger.images.narrow(3, farthest - right, size).narrow(2, farthest - down, size))
          .argmax(1);
    });
  }
  EXPECT_EQ(found[0].padded.agreement, 100);
  EXPECT_LT(found[1].padded.agreement, 100);
  EXPECT_LT(found[1].cropped.agreement, 100);
}

TEST_F(ShiftsTest, WhatIsPermutedIsMovedBefore) {
  BrightestColumn model;
  BrightestColumn of_permuted(torch::tensor(pixel_permutation(9, size), torch::kInt64));
  const std::vector<ShiftResult> plain = shifts(model, 1), permuted = shifts(of_permuted, 1, 9);
  EXPECT_EQ(plain[1].padded.agreement, permuted[1].padded.agreement);
  EXPECT_EQ(plain[1].cropped.agreement, permuted[1].cropped.agreement);
  EXPECT_EQ(plain[1].padded.top1, permuted[1].padded.top1);
}

TEST_F(ShiftsTest, OutOfTheImageIsRefused) {
  BrightestColumn model;
  for (const int most : {0, size}) testing::error_of(ErrorKind::usage, [&] { shifts(model, most); });
}

}  // namespace
}  // namespace smlp
