#include <torch/version.h>

#include "smlp/core/error.hpp"
#include "smlp/core/threads.hpp"
#include "smlp/core/version.hpp"
#include "smlp/device/capability.hpp"
#include "smlp/device/device.hpp"

namespace smlp {
namespace {

std::string program_row() {
  const std::string revision = git_revision();
  return revision.empty() ? version() : fmt::format("{} ({})", version(), revision);
}

std::string driver_row() {
  const CudaDriver& driver = cuda_driver();
  if (!driver.present) return "not found";
  return fmt::format("libcuda.so.1, for CUDA up to {}.{}", driver.version / 1000, driver.version % 1000 / 10);
}

std::string library_row() {
  const CudaLibrary& library = load_cuda_library();
  if (!library.loaded) return fmt::format("not loaded: {}", library.problem);
  const std::int64_t version = at::detail::getCUDAHooks().versionCUDART();
  return fmt::format("loaded, {}, CUDA {}.{}", library.path, version / 1000, version % 1000 / 10);
}

std::string device_row(const CudaDevice& device) {
  return fmt::format("{}, {:.1f} GiB, compute capability {}.{}", device.name,
                     static_cast<double>(device.memory) / (1 << 30), device.major, device.minor);
}

std::string precision_row(bool fast_bf16, bool has_tf32) {
  return fmt::format("fp32{}, bf16{}; auto: {}", has_tf32 ? ", tf32" : "",
                     fast_bf16 ? "" : " (slow: no instructions)", fast_bf16 ? "bf16" : "fp32");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> system_report() {
  std::vector<std::pair<std::string, std::string>> rows;
  const auto row = [&](std::string name, std::string value) {
    rows.emplace_back(std::move(name), std::move(value));
  };
  load_cuda_library();  // first: what LibTorch answers about CUDA is fixed when it is first asked
  row("smlp", program_row());
  row("LibTorch", TORCH_VERSION);
  row("LibTorch's CUDA half", library_row());
  row("NVIDIA driver", driver_row());

  const CudaDriver& driver = cuda_driver();
  if (driver.devices.empty()) row("CUDA devices", "none: " + driver.problem);
  for (std::size_t i = 0; i < driver.devices.size(); ++i)
    row(fmt::format("CUDA device {}", i), device_row(driver.devices[i]));
  if (!driver.devices.empty()) {
    row("CUDA devices usable", at::hasCUDA() ? "yes" : "no");
    row("precisions on CUDA", precision_row(driver.devices[0].fast_bf16(), driver.devices[0].has_tf32()));
  }

  const CpuCapability& cpu = cpu_capability();
  row("processor", cpu.name);
  row("instruction sets", cpu.instruction_sets());
  const ThreadCount threads = default_threads();
  row("cores", fmt::format("{}", available_cores()));
  row("threads by default",
      fmt::format("{} ({}); device.threads overrides it", threads.count, threads.source));
  row("precisions on the CPU", precision_row(cpu.fast_bf16(), false));
  return rows;
}

}  // namespace smlp
