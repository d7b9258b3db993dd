#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "smlp/batches/batch.hpp"
#include "smlp/device/cuda_graph.hpp"
#include "smlp/device/device.hpp"
#include "smlp/train/step_sums.hpp"

namespace smlp {

// What changes from step to step besides the batch, and the same as tensors [] float32 on the device.
struct StepNumbers {
  double lr_factor = 1;  // of the schedule
  double ema_share = 0;  // see AveragedWeights::add
};
struct StepFactors {
  torch::Tensor lr_factor, ema_share;
  StepFactors() = default;
  explicit StepFactors(torch::Device device);  // not filled
  void fill(const StepNumbers& numbers);       // without synchronising
};

// A training step on a CUDA device: taken as it is at first, then captured, then replayed for every batch of
// the same shapes. Replays compute the same bits.
class StepGraph {
 public:
  // A step from tensors on the device.
  using Step = std::function<std::optional<StepSums>(const Batch& batch, const StepFactors& factors)>;

  // image_type: what the step computes with, so that images are converted on their way into the graph.
  // required: a step that cannot be captured is an Error(usage); otherwise it goes on as it is, with a line
  // in the log.
  StepGraph(const Device& device, torch::ScalarType image_type, bool required)
      : device_(device.torch), image_type_(image_type), required_(required), factors_(device.torch) {}

  std::optional<StepSums> operator()(const Batch& batch, const StepNumbers& numbers, const Step& step);

  // Whether a step was captured, which has its gradients in memory of its own.
  bool replays() const { return graph_ != nullptr; }

  // Whether a step is being captured: it must draw no random numbers then.
  bool capturing() const { return capturing_; }

 private:
  bool fits(const Batch& batch) const;
  void capture(const Batch& batch, const Step& step);
  void give_up(const std::string& reason);

  c10::Device device_;
  torch::ScalarType image_type_;
  bool required_, given_up_ = false, capturing_ = false;
  int taken_ = 0;
  Batch batch_;          // what a captured step reads
  StepFactors factors_;  // and this
  std::optional<StepSums> sums_;
  std::unique_ptr<CudaGraph> graph_;
};

}  // namespace smlp
