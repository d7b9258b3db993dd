#include "smlp/train/evaluator.hpp"

#include <algorithm>
#include <limits>

#include "smlp/core/signals.hpp"
#include "smlp/data/loader.hpp"
#include "smlp/train/loss.hpp"

namespace smlp {
namespace {

// Evaluation mode and no gradients while it lives.
class EvaluationMode {
 public:
  explicit EvaluationMode(Model& model) : model_(model), was_training_(model.is_training()) { model_.eval(); }
  ~EvaluationMode() { model_.train(was_training_); }

 private:
  Model& model_;
  bool was_training_;
  torch::NoGradGuard no_grad_;
};

// Per-class counts and the loss, summed on the device.
struct Sums {
  torch::Tensor loss, right5, class_right, class_images;

  Sums(int classes, torch::Device device) {
    const auto options = torch::dtype(torch::kFloat64).device(device);
    loss = torch::zeros({}, options);
    right5 = torch::zeros({}, options);
    class_right = torch::zeros({classes}, options);
    class_images = torch::zeros({classes}, options);
  }

  void add(const torch::Tensor& logits, const torch::Tensor& labels) {
    const torch::Tensor values = logits.to(torch::kFloat32);
    loss += cross_entropy(values, {labels, {}, {}}, 0.0) * labels.size(0);
    const torch::Tensor top = std::get<1>(values.topk(std::min<std::int64_t>(5, values.size(1)), 1));
    const torch::Tensor hits = top == labels.unsqueeze(1);
    right5 += hits.sum();
    class_right.index_add_(0, labels, hits.select(1, 0).to(torch::kFloat64));
    class_images.index_add_(0, labels, torch::ones_like(labels, torch::kFloat64));
  }

  EvaluationResult result(std::int64_t images) const {
    EvaluationResult r;
    const double n = static_cast<double>(std::max<std::int64_t>(images, 1));
    r.images = images;
    r.loss = loss.item<double>() / n;
    r.top1 = 100 * class_right.sum().item<double>() / n;
    r.top5 = 100 * right5.item<double>() / n;
    const torch::Tensor accuracy = (100 * class_right / class_images).to(torch::kCPU);  // 0 / 0 is NaN
    r.class_top1.assign(accuracy.const_data_ptr<double>(),
                        accuracy.const_data_ptr<double>() + accuracy.numel());
    return r;
  }
};

}  // namespace

std::optional<EvaluationResult> evaluate(Model& model, const Device& device,
                                         std::shared_ptr<const Dataset> dataset,
                                         const std::vector<std::int64_t>& indices,
                                         const ChannelStatistics& normalization,
                                         const EvaluationOptions& options) {
  dataset->check_files();
  const EvaluationMode mode(model);
  const auto source = std::make_shared<EvaluationImages>(dataset, indices, normalization, options.image_size,
                                                         options.batch_size);
  BatchLoader loader(source, 0, source->steps(), options.workers, options.prefetch, device.torch);
  Sums sums(dataset->classes(), device.torch);
  std::vector<torch::Tensor> kept;
  std::int64_t images = 0;
  for (std::int64_t step = 0; step < source->steps(); ++step) {
    if (stop_signal() != 0) return std::nullopt;
    const Batch batch = loader.next();
    const AutocastScope autocast(device);
    const torch::Tensor logits = model.forward(batch.images);
    sums.add(logits, batch.labels);
    images += batch.labels.size(0);
    if (options.keep_logits) kept.push_back(logits.to(torch::kCPU, torch::kFloat32));
  }
  EvaluationResult result = sums.result(images);
  if (options.keep_logits) result.logits = torch::cat(kept);
  return result;
}

}  // namespace smlp
