// A module, a loss and a loop of one's own on the library's images, evaluated by the library.
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adamw.h>

#include <iostream>
#include <numeric>

#include "smlp/batches/image_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/train/evaluator.hpp"

namespace {

class Convolutions : public smlp::Model {
 public:
  explicit Convolutions(int classes)
      : first_(register_module("first", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 16, 5).stride(2)))),
        second_(register_module("second", torch::nn::Conv2d(torch::nn::Conv2dOptions(16, 32, 5).stride(2)))),
        linear_out_(register_module("linear_out", torch::nn::Linear(32 * 5 * 5, classes))) {}
  torch::Tensor features(const torch::Tensor& images) override {
    return second_->forward(first_->forward(images).relu()).relu().flatten(1);
  }
  torch::Tensor head(const torch::Tensor& features) override { return linear_out_->forward(features); }

 private:
  torch::nn::Conv2d first_, second_;
  torch::nn::Linear linear_out_;
};

torch::Tensor hinge_loss(const torch::Tensor& logits, const smlp::Batch& batch) {
  return torch::nn::functional::multi_margin_loss(logits, batch.labels);
}

}  // namespace

int main() {
  const auto train = smlp::open_dataset("shapes", "train"), test = smlp::open_dataset("shapes", "test");
  std::vector<std::int64_t> all(train->size());
  std::iota(all.begin(), all.end(), 0);
  const smlp::RenderOptions rendering{train->info().statistics, 32, 128};
  const auto images = std::make_shared<smlp::TrainImages>(
      train, all, rendering,
      smlp::TrainImagesOptions{.augment = {.crop = std::nullopt, .flip = 0.5, .mixup = 0}, .seed = 1});
  constexpr std::int64_t steps = 60;
  smlp::BatchLoader loader(images, 0, steps, /*workers=*/1, /*prefetch=*/2, torch::kCPU);

  Convolutions model(train->classes());
  torch::optim::AdamW optimizer(model.parameters(), torch::optim::AdamWOptions(2e-3));
  for (std::int64_t step = 0; step < steps; ++step) {
    const smlp::Batch batch = loader.next();
    optimizer.zero_grad();
    hinge_loss(model.forward(batch.images), batch).backward();
    optimizer.step();
  }
  const auto result =
      smlp::evaluate(model, smlp::Device{}, test, {}, rendering.normalization, {.image_size = 32});
  std::cout << "own module: images " << result->images << ", top1 " << result->top1 << "\n";
}
