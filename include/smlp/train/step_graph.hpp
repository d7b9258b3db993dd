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

// A training step on a CUDA device: taken as it is at first, then captured, then replayed for every batch of
// the same shapes. Replays compute the same bits.
class StepGraph {
 public:
  // A step from tensors on the device; lr_factor [] float32.
  using Step = std::function<std::optional<StepSums>(const Batch& batch, const torch::Tensor& lr_factor)>;

  // image_type: what the step computes with, so that images are converted on their way into the graph.
  // required: a step that cannot be captured is an Error(usage); otherwise it goes on as it is, with a line
  // in the log.
  StepGraph(const Device& device, torch::ScalarType image_type, bool required)
      : device_(device.torch), image_type_(image_type), required_(required) {}

  std::optional<StepSums> operator()(const Batch& batch, double lr_factor, const Step& step);

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
  Batch batch_;              // what a captured step reads
  torch::Tensor lr_factor_;  // [] float32, read by a captured step
  std::optional<StepSums> sums_;
  std::unique_ptr<CudaGraph> graph_;
};

}  // namespace smlp
