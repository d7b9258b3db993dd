#pragma once
#include <cstdint>
#include <limits>
#include <vector>

namespace smlp {

// Totals over whole steps, on the host. NaN: not known (of a checkpoint that did not keep it).
struct TrainTotals {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
  double loss = 0;   // summed over images of steps that were applied
  double right = 0;  // images whose largest logit is the label (under MixUp: the label with the larger share)
  double images = 0;     // of steps that were applied
  double bad = 0;        // steps whose loss or gradient was not finite
  double grad_norm = 0;  // of the whole gradient before clipping, summed as the loss is
  double seconds = 0;    // of training
  double wait = 0;       // seconds of these that it waited for data
  double skipped = 0;    // steps that were left out

  // Means over images; none where there were none.
  double mean_loss() const { return mean(loss); }
  double top1() const { return 100 * mean(right); }  // %
  double mean_grad_norm() const { return mean(grad_norm); }
  double images_per_s(std::int64_t batch_size) const { return seen(batch_size) / seconds; }
  double seen(std::int64_t batch_size) const {  // images, also of steps that were not applied
    return images + (bad + skipped) * static_cast<double>(batch_size);
  }
  TrainTotals& operator+=(const TrainTotals& other);
  std::vector<double> values() const { return {loss, right, images, bad, grad_norm, seconds, wait, skipped}; }
  // The first four or seven, as earlier versions kept them, or all; another number: Error(data).
  static TrainTotals from_values(const std::vector<double>& values);

 private:
  double mean(double sum) const { return images > 0 ? sum / images : none; }
};

}  // namespace smlp
