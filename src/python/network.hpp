#pragma once
#include <torch/custom_class.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "smlp/nn/model.hpp"
#include "smlp/train/saved_model.hpp"

namespace smlp {

using TensorsByName = c10::Dict<std::string, torch::Tensor>;  // keeps the order it was made in

// A trained model. Its tensors are live: what Python changes in them is what the next call computes with.
class Network : public torch::CustomClassHolder {
 public:
  // The model is in evaluation mode; of `saved` it is the first one.
  Network(std::shared_ptr<const SavedModel> saved, std::shared_ptr<Model> model);
  static c10::intrusive_ptr<Network> load(const std::string& run_or_checkpoint, bool best);
  c10::intrusive_ptr<Network> copy() const;  // with tensors of its own

  // Images that are not [B, 3, S, S] of the model's type: Error(usage). Where no gradient is wanted, as the
  // program computes them, to the bit; else by LibTorch's operations, for which every use of autograd is
  // made.
  torch::Tensor features(const torch::Tensor& images) const;
  torch::Tensor head(const torch::Tensor& features) { return model_->head(features); }
  torch::Tensor forward(const torch::Tensor& images) const { return model_->head(features(images)); }
  void train(bool mode) { model_->train(mode); }

  TensorsByName parameters() const;
  TensorsByName buffers() const;

  std::string config() const { return saved_->state.config; }  // YAML
  std::string checkpoint() const { return saved_->checkpoint.string(); }
  std::vector<std::string> classes() const { return saved_->state.classes; }
  std::int64_t image_size() const { return saved_->config.data.image_size; }
  std::vector<double> mean() const { return saved_->state.normalization.mean; }
  std::vector<double> std() const { return saved_->state.normalization.std; }

 private:
  const std::shared_ptr<const SavedModel> saved_;
  const std::shared_ptr<Model> model_;
};

}  // namespace smlp
