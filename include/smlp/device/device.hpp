#pragma once
#include <c10/core/Device.h>

#include <string>
#include <utility>
#include <vector>

#include "smlp/device/device_config.hpp"

namespace smlp {

// What became of a DeviceConfig.
struct Device {
  c10::Device torch = c10::kCPU;
  Precision precision = Precision::fp32;  // never automatic
  GraphUse graph = GraphUse::automatic;   // nothing is captured on a CPU
  int threads = 1;
  std::string description;  // "CPU, 2 threads, AVX-512 (AMX bf16)"
  bool is_cuda() const { return torch.is_cuda(); }
};

// Loads the CUDA half of LibTorch when it is wanted (before anything asks LibTorch for CUDA, as seeding
// its generators does), chooses device and precision, sets threads, TF32 and determinism of the process. type
// cuda without a usable device: Error(failed) with the reason found; bf16 where the hardware lacks it:
// allowed when asked for by name, with a warning; tf32 on a CPU means fp32.
Device open_device(const DeviceConfig& config);

// Matrix products in bf16 while it lives, when the device's precision is bf16 and it is wanted; nothing
// otherwise. Weights stay float32.
class AutocastScope {
 public:
  explicit AutocastScope(const Device& device, bool wanted = true);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::DeviceType type_;
  bool active_;
};

// Table rows (name, value) for `smlp info --system`: versions, libraries found and loaded and why not,
// devices, instruction sets, threads, precisions.
std::vector<std::pair<std::string, std::string>> system_report();

}  // namespace smlp
