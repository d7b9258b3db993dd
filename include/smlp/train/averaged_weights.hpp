#pragma once
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "smlp/optim/optimizer.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/lent_values.hpp"

namespace smlp {

class Model;  // nn/model.hpp

// Exponential moving averages of what a training changes in a model, weights and running statistics, kept
// beside it: average = d · average + (1 − d) · value after each step, with d = min(decay, (1 + n) / (10 + n))
// at step n, counted from 0, as TensorFlow's ExponentialMovingAverage with num_updates has it: early averages
// forget the weights they began with.
class AveragedWeights {
 public:
  // `trained` are parameters of the model.
  AveragedWeights(const Model& model, const std::vector<Parameter>& trained, double decay);

  // 1 − d.
  double share(std::int64_t step) const;

  // Takes in the values as they are. share: [] float32 on their device, without synchronising.
  void add(const torch::Tensor& share);

  // "ema": a whole model's tensors, those that nothing changes being the model's own.
  CheckpointPart part() const;

  // The model computes with the averages while this lives; no add() then.
  [[nodiscard]] LentValues in_place() const;

 private:
  struct Average {
    torch::Tensor value, average;
  };
  const double decay_;
  NamedTensors all_;
  std::vector<Average> changing_;
};

}  // namespace smlp
