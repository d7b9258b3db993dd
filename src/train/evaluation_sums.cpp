#include "evaluation_sums.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/train/loss.hpp"

namespace smlp {

void check_real_labels(const RealLabels* real, std::int64_t images, const Dataset& dataset) {
  if (real != nullptr && std::ssize(*real) != images)
    fail(ErrorKind::data, "ReaL labels of {} images for {}, of whose {} images all must be evaluated",
         real->size(), dataset.description(), dataset.size());
  if (real != nullptr &&
      std::all_of(real->begin(), real->end(), [](const auto& labels) { return labels.empty(); }))
    fail(ErrorKind::data, "no image of {} has a ReaL label", dataset.description());
}

torch::Tensor logits_of(Model& model, const Batch& batch) {
  return batch.images.dim() == 2 ? model.head(batch.images) : model.forward(batch.images);
}

EvaluationSums::EvaluationSums(int classes, torch::Device device, const RealLabels* real,
                               bool keep_predictions)
    : real_(real), keep_predictions_(keep_predictions) {
  const auto options = torch::dtype(torch::kFloat64).device(device);
  loss_ = torch::zeros({}, options);
  right5_ = torch::zeros({}, options);
  real_right_ = torch::zeros({}, options);
  class_right_ = torch::zeros({classes}, options);
  class_images_ = torch::zeros({classes}, options);
}

void EvaluationSums::add(const torch::Tensor& logits, const torch::Tensor& labels) {
  const torch::Tensor values = logits.to(torch::kFloat32);
  loss_ += cross_entropy(values, {labels, {}, {}}, 0.0).mean * labels.size(0);
  const torch::Tensor top = std::get<1>(values.topk(std::min<std::int64_t>(5, values.size(1)), 1));
  const torch::Tensor hits = top == labels.unsqueeze(1);
  right5_ += hits.sum();
  class_right_.index_add_(0, labels, hits.select(1, 0).to(torch::kFloat64));
  class_images_.index_add_(0, labels, torch::ones_like(labels, torch::kFloat64));
  if (real_ != nullptr) add_real(top.select(1, 0));
  if (keep_predictions_) {
    top_classes_.push_back(top.to(torch::kCPU));
    top_probabilities_.push_back(values.softmax(1).gather(1, top).to(torch::kCPU));
  }
  images_ += labels.size(0);
}

// A prediction is right when it is any of the image's labels; images without labels are not counted.
void EvaluationSums::add_real(const torch::Tensor& predicted) {
  const std::int64_t count = predicted.size(0);
  std::size_t most = 1;
  for (std::int64_t i = 0; i < count; ++i)
    most = std::max(most, (*real_)[static_cast<std::size_t>(images_ + i)].size());
  const torch::Tensor labels = torch::full({count, static_cast<std::int64_t>(most)}, -1, torch::kInt64);
  auto* out = labels.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i, out += most) {
    const auto& own = (*real_)[static_cast<std::size_t>(images_ + i)];
    std::copy(own.begin(), own.end(), out);
    real_images_ += !own.empty();
  }
  real_right_ += (labels.to(predicted.device()) == predicted.unsqueeze(1)).any(1).sum();
}

EvaluationResult EvaluationSums::result() const {
  EvaluationResult r;
  const double n = static_cast<double>(std::max<std::int64_t>(images_, 1));
  r.images = images_;
  r.loss = loss_.item<double>() / n;
  r.top1 = 100 * class_right_.sum().item<double>() / n;
  r.top5 = 100 * right5_.item<double>() / n;
  const torch::Tensor accuracy = (100 * class_right_ / class_images_).to(torch::kCPU);  // 0 / 0 is NaN
  r.class_top1.assign(accuracy.const_data_ptr<double>(),
                      accuracy.const_data_ptr<double>() + accuracy.numel());
  if (real_ != nullptr && real_images_ > 0)
    r.real = 100 * real_right_.item<double>() / static_cast<double>(real_images_);
  if (keep_predictions_ && !top_classes_.empty())
    r.predictions = {static_cast<std::size_t>(top_classes_[0].size(1)), values_of<std::int64_t>(top_classes_),
                     values_of<float>(top_probabilities_)};
  return r;
}

}  // namespace smlp
