#pragma once
#include <vector>

#include "smlp/batches/batch.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/train/evaluator.hpp"

namespace smlp {

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

// The model's logits for a batch of images, or of a frozen body's features.
torch::Tensor logits_of(Model& model, const Batch& batch);

// Rows of float32 or int64 on the host, one tensor after another.
template <class T>
std::vector<T> values_of(const std::vector<torch::Tensor>& tensors) {
  std::vector<T> values;
  for (const torch::Tensor& tensor : tensors) {
    const torch::Tensor host = tensor.contiguous();
    const T* const data = host.const_data_ptr<T>();
    values.insert(values.end(), data, data + host.numel());
  }
  return values;
}

// ReaL labels, if any, must be of all `images` that are evaluated: else Error(data).
void check_real_labels(const RealLabels* real, std::int64_t images, const Dataset& dataset);

// Counts and losses of an evaluation, summed on the device.
class EvaluationSums {
 public:
  // real: of the images in the order they are added; may be null.
  EvaluationSums(int classes, torch::Device device, const RealLabels* real, bool keep_predictions);

  void add(const torch::Tensor& logits, const torch::Tensor& labels);
  EvaluationResult result() const;

 private:
  void add_real(const torch::Tensor& predicted);

  const RealLabels* real_;
  const bool keep_predictions_;
  std::int64_t images_ = 0, real_images_ = 0;
  torch::Tensor loss_, right5_, class_right_, class_images_, real_right_;
  std::vector<torch::Tensor> top_classes_, top_probabilities_;
};

}  // namespace smlp
