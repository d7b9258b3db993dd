#include "smlp/train/ridge.hpp"

#include <cmath>
#include <functional>

#include "smlp/batches/feature_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"

namespace smlp {
namespace {

constexpr std::int64_t batch_size = 4096;
constexpr double rounding = 1e-12;                            // of float64 sums, relative
constexpr int smallest_exponent = -16, largest_exponent = 4;  // of √10

struct Head {
  torch::Tensor weight, bias;
};

Head head_of(Model& model) {
  const auto parameters = model.named_parameters();
  const std::string prefix = model.head_prefix();
  Head head;
  for (const auto& item : parameters) {
    if (!item.key().starts_with(prefix)) continue;
    const bool linear = item.key() == prefix + "weight" && item.value().dim() == 2;
    if (linear) head.weight = item.value();
    if (item.key() == prefix + "bias") head.bias = item.value();
    if (!linear && item.key() != prefix + "bias")
      fail(ErrorKind::usage, "the model's head has a tensor {}: ridge regression needs a single linear layer",
           item.key());
  }
  if (!head.weight.defined() || !head.bias.defined())
    fail(ErrorKind::usage,
         "the model's head is not a linear layer with a bias, as ridge regression needs it");
  return head;
}

// False when a stop signal came.
bool for_each_batch(const std::shared_ptr<const FeatureBatches>& batches, const Device& device,
                    const std::function<void(const Batch&)>& use) {
  BatchLoader loader(batches, 0, batches->steps(), 1, 2, device.torch);
  for (std::int64_t step = 0; step < batches->steps(); ++step) {
    if (stop_signal() != 0) return false;
    use(loader.next());
  }
  return true;
}

std::vector<double> penalties() {
  std::vector<double> values;
  for (int exponent = smallest_exponent; exponent <= largest_exponent; ++exponent)
    values.push_back(std::pow(10.0, exponent / 2.0));
  return values;
}

}  // namespace

RidgeRegression::RidgeRegression(std::int64_t width, std::int64_t classes, torch::Device device) {
  const auto options = torch::dtype(torch::kFloat64).device(device);
  features_sum_ = torch::zeros({width}, options);
  labels_sum_ = torch::zeros({classes}, options);
  products_ = torch::zeros({width, width}, options);
  targets_ = torch::zeros({width, classes}, options);
}

void RidgeRegression::add(const torch::Tensor& features, const torch::Tensor& labels) {
  const torch::Tensor x = features.to(torch::kFloat64);
  const torch::Tensor ones = torch::ones({labels.size(0)}, x.options());
  features_sum_ += x.sum(0);
  labels_sum_.index_add_(0, labels, ones);
  products_.addmm_(x.t(), x);
  torch::Tensor sums = torch::zeros({targets_.size(1), x.size(1)}, x.options());
  targets_ += sums.index_add_(0, labels, x).t();
  images_ += static_cast<double>(labels.size(0));
}

void RidgeRegression::decompose() {
  const torch::Tensor mean = features_sum_ / images_;
  const torch::Tensor centred = products_ - images_ * torch::outer(mean, mean);
  const double squares = products_.trace().item<double>(), spread = centred.trace().item<double>();
  if (!std::isfinite(squares))
    fail(ErrorKind::not_finite, "the features of the training images are not finite");
  if (!(spread > rounding * squares))
    fail(ErrorKind::data, "the features of the {} training images are all the same", images_);
  scale_ = spread / static_cast<double>(centred.size(0));
  std::tie(values_, vectors_) = torch::linalg_eigh(centred, "L");
  values_ = values_.clamp_min(0);
  rotated_ = vectors_.t().mm(targets_ - torch::outer(mean, labels_sum_));
}

LinearHead RidgeRegression::solve(double penalty) const {
  const torch::Tensor weight = vectors_.mm(rotated_ / (values_ + penalty * scale_).unsqueeze(1)).t();
  return {weight, (labels_sum_ - weight.mv(features_sum_)) / images_};
}

torch::Tensor RidgeRegression::rotate(const torch::Tensor& features) const {
  return (features.to(torch::kFloat64) - features_sum_ / images_).mm(vectors_);
}

torch::Tensor RidgeRegression::left_out_scores(const torch::Tensor& rotated, const torch::Tensor& labels,
                                               double penalty) const {
  const torch::Tensor shrink = 1 / (values_ + penalty * scale_);
  const torch::Tensor leverage = 1 / images_ + rotated.square().mv(shrink);
  const torch::Tensor scores = (rotated * shrink).mm(rotated_) + labels_sum_ / images_;
  const torch::Tensor targets = torch::zeros_like(scores).scatter_(1, labels.unsqueeze(1), 1);
  return targets - (targets - scores) / (1 - leverage).unsqueeze(1);
}

std::optional<RidgeChoice> fit_ridge_head(Experiment& experiment, FeatureCache& cache) {
  const torch::NoGradGuard no_grad;
  const Head head = head_of(*experiment.model);
  const auto features = cache.features(experiment, Part::train);
  if (!features) return std::nullopt;
  const auto batches = std::make_shared<FeatureBatches>(features, experiment.train_set,
                                                        experiment.subset.train, batch_size, std::nullopt);
  RidgeRegression regression(head.weight.size(1), head.weight.size(0), experiment.device.torch);
  if (!for_each_batch(batches, experiment.device,
                      [&](const Batch& batch) { regression.add(batch.images, batch.labels); }))
    return std::nullopt;
  regression.decompose();

  const std::vector<double> tried = penalties();
  torch::Tensor right =
      torch::zeros({std::ssize(tried)}, torch::dtype(torch::kFloat64).device(experiment.device.torch));
  const auto count_right = [&](const Batch& batch) {
    const torch::Tensor rotated = regression.rotate(batch.images);
    for (std::int64_t i = 0; i < std::ssize(tried); ++i)
      right[i] +=
          (regression.left_out_scores(rotated, batch.labels, tried[i]).argmax(1) == batch.labels).sum();
  };
  if (!for_each_batch(batches, experiment.device, count_right)) return std::nullopt;
  right = right.flip(0).to(torch::kCPU);  // argmax takes the first of equals: the largest penalty
  const auto best = static_cast<std::size_t>(std::ssize(tried) - 1 - right.argmax().item<std::int64_t>());

  if (right.max().item<double>() == 0)
    log().warn("left out, no image is answered rightly with any penalty: the largest is taken");

  const LinearHead solved = regression.solve(tried[best]);
  head.weight.copy_(solved.weight);
  head.bias.copy_(solved.bias);
  return RidgeChoice{tried[best],
                     100 * right.max().item<double>() / static_cast<double>(experiment.plan.images)};
}

}  // namespace smlp
