#include "smlp/device/device.hpp"

#include <ATen/autocast_mode.h>
#include <malloc.h>

#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/core/threads.hpp"
#include "smlp/device/capability.hpp"
#include "smlp/device/cuda_kernel.hpp"
#include "smlp/device/fused.hpp"

namespace smlp {
namespace {

// Why CUDA cannot be used; empty when it can. The library is loaded before LibTorch is asked, for its answer
// then stays.
std::string cuda_problem() {
  if (!cuda_driver().problem.empty()) return cuda_driver().problem;
  if (!load_cuda_library().problem.empty()) return load_cuda_library().problem;
  const std::string old =
      too_old(cuda_driver(), static_cast<int>(at::detail::getCUDAHooks().versionCUDART()));
  if (!old.empty()) return old;
  if (!at::hasCUDA()) return "LibTorch's CUDA half finds no usable device";
  return "";
}

bool choose_cuda(DeviceType type) {
  if (type == DeviceType::cpu) return false;
  const std::string problem = cuda_problem();
  if (problem.empty()) return true;
  if (type == DeviceType::cuda)
    fail(ErrorKind::failed,
         "device.type is cuda, but there is no usable CUDA device: {}. See `smlp info --system`, "
         "or use --device cpu.",
         problem);
  if (cuda_driver().present) log().warn("Not using CUDA: {}", problem);
  return false;
}

Precision choose_precision(Precision wanted, bool cuda) {
  const bool fast_bf16 = cuda ? cuda_driver().devices.front().fast_bf16() : cpu_capability().fast_bf16();
  if (wanted == Precision::automatic) return fast_bf16 ? Precision::bf16 : Precision::fp32;
  if (wanted == Precision::bf16 && !fast_bf16)
    log().warn(
        "device.precision is bf16, which this {} has no instructions for: expect it to be much slower than "
        "fp32",
        cuda ? "CUDA device" : "processor");
  if (wanted == Precision::tf32 && !(cuda && cuda_driver().devices.front().has_tf32()))
    return Precision::fp32;
  return wanted;
}

// Whether kernels of our own run on the device at hand is seen by compiling one.
bool choose_fused(Kernels wanted, const Device& device) {
  if (wanted == Kernels::torch || !device.is_cuda()) return wanted == Kernels::fused;
  torch::empty({1}, torch::TensorOptions().device(device.torch));  // the device's context
  const std::string problem = kernel_problem();
  if (!problem.empty()) log().warn("device.kernels: LibTorch's operations alone are used: {}", problem);
  return problem.empty();
}

void set_determinism(bool deterministic) {
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(deterministic, /*warn_only=*/false);
  context.setDeterministicFillUninitializedMemory(
      false);  // filling every torch::empty costs time and hides nothing here
  context.setDeterministicCuDNN(deterministic);
  context.setBenchmarkCuDNN(!deterministic);
}

// Activations of the same sizes come and go at every step. Kept in the heap they are not mapped, cleared and
// faulted in anew each time: 2,240 page faults a step less for b_mlp 6/256 at batch 128.
void keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

std::string describe(const Device& device) {
  if (device.is_cuda()) return fmt::format("CUDA, {}", cuda_driver().devices.front().name);
  return fmt::format("CPU, {}, {}", counted(device.threads, "thread"), cpu_capability().instruction_sets());
}

bool fused = true;
thread_local bool fused_here = false;

}  // namespace

bool fused_kernels() {
  return fused || fused_here;
}

void set_fused_kernels(bool use) {
  fused = use;
}

FusedKernelsHere::FusedKernelsHere() : before_(std::exchange(fused_here, true)) {}

FusedKernelsHere::~FusedKernelsHere() {
  fused_here = before_;
}

Device open_device(const DeviceConfig& config) {
  // cuBLAS reads it when its first handle is made; without it, its results depend on timing.
  if (config.deterministic) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  Device device;
  if (choose_cuda(config.type)) device.torch = c10::Device(c10::kCUDA, 0);
  device.precision = choose_precision(config.precision, device.is_cuda());
  set_fused_kernels(choose_fused(config.kernels, device));
  device.graph = config.graph;
  device.threads = config.threads > 0 ? static_cast<int>(config.threads) : default_threads().count;
  at::set_num_threads(device.threads);
  set_determinism(config.deterministic);
  if (device.is_cuda()) {
    at::globalContext().setAllowTF32CuBLAS(device.precision == Precision::tf32);
    at::globalContext().setAllowTF32CuDNN(device.precision == Precision::tf32);
  } else {
    keep_freed_memory();
  }
  device.description = describe(device);
  return device;
}

AutocastScope::AutocastScope(const Device& device, bool wanted)
    : type_(device.torch.type()), active_(wanted && device.precision == Precision::bf16) {
  if (!active_) return;
  at::autocast::set_autocast_dtype(type_, at::kBFloat16);
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::increment_nesting();
}

AutocastScope::~AutocastScope() {
  if (!active_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(type_, false);
}

}  // namespace smlp
