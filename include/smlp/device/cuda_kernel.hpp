#pragma once
#include <c10/core/Device.h>

#include <array>
#include <atomic>
#include <string>
#include <vector>

namespace smlp {

// Whether a product and a sum may become one fused multiply-add, as LibTorch's own kernels have it; a CPU's
// loops have none, so that the same bits need it off.
enum class Contraction { allowed, off };

// Machine code (cubin) of src/kernels/<name>.cu for an architecture such as "sm_90". NVRTC compiles it at run
// time: LibTorch's CUDA libraries bring it, neither a device nor a toolkit is needed. Error(failed) with its
// log, or where it is not found.
std::string compile_kernel(const std::string& name, const std::string& architecture,
                           Contraction contraction = Contraction::allowed);

// Why compile_kernel cannot work here; empty when it can.
std::string nvrtc_problem();

// Why no kernel can be made for the device at hand, whose context exists; empty when one can.
std::string kernel_problem();

// Names of the kernels in src/kernels.
const std::vector<std::string>& kernel_names();

// The kernel `name`, the function of that name in src/kernels/<name>.cu, for the device at hand, compiled
// when it is first launched and kept in the user's cache folder (~/.cache/smlp/kernels) under the hash of
// what it was made from.
class CudaKernel {
 public:
  explicit CudaKernel(std::string name, Contraction contraction = Contraction::allowed)
      : name_(std::move(name)), contraction_(contraction) {}

  // On LibTorch's current stream of `device`. args have the types that the function declares.
  template <class... Args>
  void launch(c10::Device device, unsigned blocks, unsigned threads, const Args&... args) {
    std::array<void*, sizeof...(Args)> pointers{const_cast<void*>(static_cast<const void*>(&args))...};
    launch_with(device, blocks, threads, pointers.data());
  }

 private:
  void launch_with(c10::Device device, unsigned blocks, unsigned threads, void** arguments);

  std::string name_;
  Contraction contraction_;
  std::atomic<void*> function_ = nullptr;
};

}  // namespace smlp
