#pragma once

namespace smlp {

// Whether layers and optimisers use their own kernels where there are any (device.kernels: fused), or
// LibTorch's operations alone. Of the process, as its threads and its determinism are; open_device sets it.
// True at first.
bool fused_kernels();
void set_fused_kernels(bool use);

// While it lives, this thread uses them whatever the process does.
class FusedKernelsHere {
 public:
  FusedKernelsHere();
  ~FusedKernelsHere();
  FusedKernelsHere(const FusedKernelsHere&) = delete;
  FusedKernelsHere& operator=(const FusedKernelsHere&) = delete;

 private:
  const bool before_;
};

}  // namespace smlp
