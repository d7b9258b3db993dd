#pragma once
#include <string>

#include "smlp/core/host_memory.hpp"
#include "smlp/train/experiment.hpp"

namespace smlp {

// Bytes that a run takes, computed from the sizes alone.
struct MemoryNeed {
  double weights = 0, gradients = 0, optimizer = 0, activations = 0;
  double passing = 0;  // what one product makes and lets go
  double batches_on_device = 0, batches_on_host = 0;
  double images = 0;      // the training set, where it stays on the device
  double checkpoint = 0;  // the copy that is written while the training goes on, on the host

  double on_device() const {
    return weights + gradients + optimizer + activations + passing + batches_on_device + images;
  }
};

// Before the model is built: of a body that is partly frozen the least it can be.
MemoryNeed memory_need(const Experiment& experiment);

// What a whole run costs.
struct RunCost : MemoryNeed {
  double images = 0;         // that the run sees
  double forward_macs = 0;   // of one image
  double training_macs = 0;  // of the run: three times the forward pass, as the paper counts, but for a
                             // frozen body once, and once an epoch where its features are kept
};
RunCost run_cost(const Experiment& experiment);

// The need beside the memory there is. `device_total`: bytes of a CUDA device.
struct MemoryVerdict {
  bool fits = true;  // into what this process may use at all
  std::string text;  // what is needed, what there is, what to lower; "" where it fits into what is free
};
MemoryVerdict judge_memory(const Experiment& experiment, const HostMemory& host, double device_total);
MemoryVerdict judge_memory(const Experiment& experiment);  // on this machine, now

// The cost as lines of text.
std::string describe_cost(const Experiment& experiment);

}  // namespace smlp
