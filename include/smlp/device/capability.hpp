#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace smlp {

// What the processor and the operating system let this process use.
struct CpuCapability {
  std::string name;  // "Intel Xeon", as LibTorch's cpuinfo says
  bool avx2 = false;
  bool avx512 = false;       // the F, BW, DQ and VL parts
  bool avx512_bf16 = false;  // dot products of bfloat16
  bool amx_bf16 = false;     // tiles of bfloat16, with the kernel's permission to use them

  // Matrix products in bf16 are faster than in float32; without these instructions they are tens of times
  // slower.
  bool fast_bf16() const { return avx512_bf16 || amx_bf16; }
  std::string instruction_sets() const;  // "AVX2, AVX-512, AVX-512 BF16, AMX BF16"; "baseline" when none
};
const CpuCapability& cpu_capability();

// A CUDA device as the driver describes it.
struct CudaDevice {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  std::int64_t memory = 0;   // bytes
  bool fast_bf16() const { return major >= 8; }
  bool has_tf32() const { return major >= 8; }
};

// What NVIDIA's driver (libcuda.so.1) says. Asking loads the driver's library only.
struct CudaDriver {
  bool present = false;             // libcuda.so.1 could be loaded
  int version = 0;                  // newest CUDA it supports: 13000 is 13.0
  std::vector<CudaDevice> devices;  // in the order of LibTorch's device index; CUDA_VISIBLE_DEVICES applies
  std::string problem;              // why there is no device; empty when there is one
};
const CudaDriver& cuda_driver();

// Why a LibTorch made with this version of CUDA (13000 is 13.0) cannot use the driver or its first device,
// with the remedy; empty when it can.
std::string too_old(const CudaDriver& driver, int cuda_version);

// LibTorch's CUDA half, libtorch_cuda.so, which the program is not linked with.
struct CudaLibrary {
  bool loaded = false;
  std::string path;     // where it is, or was looked for: beside the libtorch_cpu.so in use
  std::string problem;  // why it is not loaded; empty when it is
};

// Loads it once, RTLD_GLOBAL, so that it registers itself with LibTorch. Only before the first tensor of the
// process: LibTorch keeps the answer to "is there CUDA" from then on. Costs 0.5 s and 355 MB.
const CudaLibrary& load_cuda_library();

}  // namespace smlp
