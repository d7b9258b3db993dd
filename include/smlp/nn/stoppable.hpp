#pragma once
#include <ATen/core/Tensor.h>

namespace smlp {

// While it lives, a request to stop ends a forward or backward pass of this thread at the next layer, with
// Interrupted: on a CPU a step of a large batch can take minutes. One at a time.
class StoppablePass {
 public:
  explicit StoppablePass(bool wanted);
  ~StoppablePass();
  StoppablePass(const StoppablePass&) = delete;
  StoppablePass& operator=(const StoppablePass&) = delete;
};

// What a layer gives back, unchanged: where a pass may end, and its backward pass.
at::Tensor stoppable(at::Tensor x);

// Where a pass may end inside a function that has its own backward pass.
void may_stop_here();

// While a model is made, layer by layer: Interrupted once a stop is asked for.
void stop_when_told();

}  // namespace smlp
