#include "smlp/train/ridge.hpp"

#include <cmath>

#include "smlp/core/error.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/train/evaluator.hpp"

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

std::shared_ptr<const FeatureBatches> batches_of(const std::string& name, Experiment& experiment,
                                                 FeatureCache& cache,
                                                 const std::vector<std::int64_t>& chosen) {
  const auto features = cache.features(name, experiment, experiment.train_set, chosen);
  if (!features) return nullptr;
  return std::make_shared<FeatureBatches>(features, experiment.train_set, chosen, batch_size, std::nullopt);
}

// Sums over the training images; false when a stop signal came.
bool add_all(const std::shared_ptr<const FeatureBatches>& batches, const Device& device,
             RidgeRegression& regression) {
  BatchLoader loader(batches, 0, batches->steps(), 1, 2, device.torch);
  for (std::int64_t step = 0; step < batches->steps(); ++step) {
    if (stop_signal() != 0) return false;
    const Batch batch = loader.next();
    regression.add(batch.images, batch.labels);
  }
  return true;
}

// The head ends as the best penalty makes it, or, when a stop signal came, as any does.
std::optional<RidgeChoice> fit(Experiment& experiment, FeatureCache& cache, const Head& head) {
  const auto train = batches_of("train", experiment, cache, experiment.subset.train);
  const auto holdout = batches_of("holdout", experiment, cache, experiment.subset.holdout);
  RidgeRegression regression(head.weight.size(1), head.weight.size(0), experiment.device.torch);
  if (!train || !holdout || !add_all(train, experiment.device, regression)) return std::nullopt;
  regression.decompose();

  const auto set = [&](double penalty) {
    const LinearHead solved = regression.solve(penalty);
    head.weight.copy_(solved.weight);
    head.bias.copy_(solved.bias);
  };
  std::optional<RidgeChoice> best;
  for (int exponent = smallest_exponent; exponent <= largest_exponent; ++exponent) {
    const double penalty = std::pow(10.0, exponent / 2.0);
    set(penalty);
    const auto held = evaluate(*experiment.model, experiment.device, holdout, holdout->steps(),
                               experiment.train_set->classes(), {});
    if (!held) return std::nullopt;
    if (!best || held->top1 >= best->holdout_top1) best = {penalty, held->top1};
  }
  set(best->penalty);
  return best;
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

std::optional<RidgeChoice> fit_ridge_head(Experiment& experiment, FeatureCache& cache) {
  const torch::NoGradGuard no_grad;
  const Head head = head_of(*experiment.model);
  const Head before{head.weight.clone(), head.bias.clone()};
  const std::optional<RidgeChoice> choice = fit(experiment, cache, head);
  if (!choice) {
    head.weight.copy_(before.weight);
    head.bias.copy_(before.bias);
  }
  return choice;
}

}  // namespace smlp
