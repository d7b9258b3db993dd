#pragma once
#include <string>

#include "smlp/train/experiment.hpp"

namespace smlp {

// What a whole run costs, computed from the sizes alone.
struct RunCost {
  double images = 0;         // that the run sees
  double forward_macs = 0;   // of one image
  double training_macs = 0;  // of the run: three times the forward pass, as the paper counts, but for a
                             // frozen body once, and once an epoch where its features are kept
  // Bytes.
  double weights = 0, gradients = 0, optimizer = 0, activations = 0;
  double batches_on_device = 0, batches_on_host = 0;

  double on_device() const { return weights + gradients + optimizer + activations + batches_on_device; }
};
RunCost run_cost(const Experiment& experiment);

// The same as lines of text.
std::string describe_cost(const Experiment& experiment);

}  // namespace smlp
