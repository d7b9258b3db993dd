#pragma once
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "smlp/train/training_step.hpp"

namespace smlp {

// What a network gives for eleven random images: in evaluation, and of a training step.
struct Passes {
  torch::Tensor logits;
  torch::Tensor gradient;  // of all parameters, one after the other
};
Passes passes_of(const std::string& family, const Device& device);

// A small B-MLP, trained on random images with MixUp, label smoothing and clipping.
class SmallRun {
 public:
  SmallRun(const std::string& optimizer, const Device& device);

  void train(std::int64_t first, std::int64_t count);  // steps [first, first + count)
  torch::Tensor moved() const;  // by how much all its weights have, one after the other, on the CPU
  bool take_poisoned_step(std::int64_t step);  // one of its pixels is infinite; whether it was called bad

  std::vector<CheckpointPart> parts() const { return step_->parts(); }
  std::vector<torch::Tensor> tensors() const;  // of the parts, copied to the CPU

 private:
  Batch batch(std::int64_t step) const;
  torch::Tensor weights() const;

  Device device_;
  std::unique_ptr<TrainingStep> step_;
  torch::Tensor start_;
};

// ‖a − b‖ / ‖b‖ in float64.
double relative_distance(const torch::Tensor& a, const torch::Tensor& b);
// How many are not the same bits.
double count_different(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b);

}  // namespace smlp
