#pragma once
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "smlp/batches/batch.hpp"
#include "smlp/device/device.hpp"
#include "smlp/dist/world.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/optim/optimizer.hpp"
#include "smlp/optim/spike_guard.hpp"
#include "smlp/train/averaged_weights.hpp"
#include "smlp/train/bf16_weights.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/step_graph.hpp"
#include "smlp/train/step_sums.hpp"

namespace smlp {

// Whether nothing but the model's head is among these.
bool only_head(const std::vector<Parameter>& parameters, const Model& model);

// One optimiser step: a batch in, sums out. Forward and backward pass in the device's precision, clipping,
// the update, and a selected return to the old values where something was not finite. Touches no file of a
// run and, but for the first steps, does not wait for the device. On a CUDA device the step is captured and
// replayed as one graph where Device::graph says so: the sums' tensors are then overwritten by the next step.
class TrainingStep {
 public:
  struct Options {
    double label_smoothing = 0;
    double clip_norm = 0;          // of the global gradient norm; 0: off
    std::int64_t micro_batch = 0;  // images a forward pass; 0: the whole batch
    std::uint64_t seed = 0;        // of dropout
    double ema = 0;                // decay of the weights' averages; 0: none
    double skip_zscore = 0;        // of a SpikeGuard; 0: none
  };

  // The model is on the device. Where the optimiser has none of the body's parameters, the body stays in
  // evaluation mode and no gradient is computed for it.
  TrainingStep(std::shared_ptr<Model> model, std::unique_ptr<Optimizer> optimizer, const Device& device,
               Options options, std::shared_ptr<World> world = std::make_shared<World>());

  // Step number `step`, which with the seed decides dropout, at lr_factor times the learning rates. `batch`
  // is this rank's part: images on the device, or a frozen body's features of them. nullopt when a stop
  // signal came in between: nothing was changed.
  std::optional<StepSums> operator()(const Batch& batch, std::int64_t step, double lr_factor);

  // Of images it need not convert.
  torch::ScalarType image_type() const { return bf16_ ? torch::kBFloat16 : torch::kFloat32; }
  bool body_frozen() const { return body_frozen_; }
  Model& model() { return *model_; }
  Optimizer& optimizer() { return *optimizer_; }
  const AveragedWeights* averages() const {
    return averages_ ? &*averages_ : nullptr;
  }  // null: none are kept

  // What a checkpoint of it holds: the live tensors.
  std::vector<CheckpointPart> parts() const;

 private:
  std::string uncapturable() const;
  std::optional<StepSums> take(const Batch& batch, std::int64_t step, const StepFactors& factors);
  void update(StepSums& sums, const std::vector<torch::Tensor>& buffers, const StepFactors& factors);
  std::optional<StepSums> forward_backward(const Batch& batch, std::int64_t step);
  std::optional<StepSums> stoppable_step(const Batch& batch, std::int64_t start, std::int64_t size);
  StepSums micro_step(const Batch& batch, std::int64_t start, std::int64_t size);
  void forget_gradients();
  void add_gradients(std::vector<torch::Tensor>& sums);
  void hand_over_gradients(const std::vector<torch::Tensor>& sums);
  torch::Tensor logits(const torch::Tensor& images);
  std::vector<torch::Tensor> changing_buffers() const;
  std::vector<torch::Tensor> copy_buffers() const;
  void restore_buffers(const std::vector<torch::Tensor>& saved, const torch::Tensor* where_bad);

  std::shared_ptr<Model> model_;
  std::unique_ptr<Optimizer> optimizer_;
  Device device_;
  Options options_;
  std::shared_ptr<World> world_;
  bool body_frozen_;
  std::optional<AveragedWeights> averages_;
  std::optional<SpikeGuard> spikes_;
  std::optional<Bf16Weights> bf16_;
  std::optional<StepGraph> graph_;
};

}  // namespace smlp
