#pragma once

namespace smlp {

// Whether layers and optimisers use their own kernels where there are any (device.kernels: fused), or
// LibTorch's operations alone. Of the process, as its threads and its determinism are; open_device sets it.
// True at first.
bool fused_kernels();
void set_fused_kernels(bool use);

}  // namespace smlp
