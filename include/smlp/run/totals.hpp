#pragma once
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

}  // namespace smlp
