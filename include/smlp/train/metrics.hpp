#pragma once
#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace smlp {

// Totals over whole steps, on the host.
struct TrainTotals {
  double loss = 0;   // summed over images of finite steps
  double right = 0;  // images whose largest logit is the label (under MixUp: the label with the larger share)
  double images = 0;  // of finite steps
  double bad = 0;     // steps whose loss or gradient was not finite

  double mean_loss() const { return loss / images; }    // NaN when there were none
  double top1() const { return 100 * right / images; }  // %
  TrainTotals& operator+=(const TrainTotals& other);
  std::vector<double> values() const { return {loss, right, images, bad}; }
  static TrainTotals from_values(const std::vector<double>& values);  // of the wrong number: Error(data)
};

// The same totals while they grow on the device, where no step waits for them.
class RunningSums {
 public:
  explicit RunningSums(torch::Device device);

  // Adds one step: the sums over its images of loss and of right answers, and bad = 1 when the step is not
  // applied; all [].
  void add(const torch::Tensor& loss_sum, const torch::Tensor& right_sum, std::int64_t images,
           const torch::Tensor& bad);

  struct Reading {
    TrainTotals totals;        // since the last take()
    std::int64_t bad_run = 0;  // the most bad steps in a row since then, those before included
  };
  Reading take();  // waits for the device, and starts again from zero

  std::int64_t current_run();                // bad steps in a row up to now; waits for the device
  void restore_run(std::int64_t bad_steps);  // of a resumed run

 private:
  torch::Tensor sums_;  // float64 [6]
};

}  // namespace smlp
