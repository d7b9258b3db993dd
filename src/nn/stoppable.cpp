#include "smlp/nn/stoppable.hpp"

#include "smlp/core/signals.hpp"

namespace smlp {
namespace {

thread_local bool active = false;

}  // namespace

StoppablePass::StoppablePass(bool wanted) {
  active = wanted;
}

StoppablePass::~StoppablePass() {
  active = false;
}

at::Tensor stoppable(at::Tensor x) {
  if (!active) return x;
  stop_when_told();
  if (x.requires_grad()) x.register_hook([](const at::Tensor&) { stop_when_told(); });
  return x;
}

void may_stop_here() {
  if (active) stop_when_told();
}

void stop_when_told() {
  if (stop_signal() != 0) throw Interrupted("stopped by a signal");
}

}  // namespace smlp
