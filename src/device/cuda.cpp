// NVIDIA's driver and LibTorch's CUDA half, both found at run time: neither CUDA headers nor a toolkit are
// needed.
#include <dlfcn.h>
#include <link.h>
#include <spdlog/fmt/fmt.h>

#include <cstddef>
#include <filesystem>

#include "smlp/device/capability.hpp"

namespace smlp {
namespace {

std::string dl_problem() {
  const char* text = dlerror();
  return text != nullptr ? text : "unknown reason";
}

// The few functions of the driver's stable C interface that are asked here; CUresult 0 is success.
class DriverLibrary {
 public:
  DriverLibrary() : handle_(dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) problem_ = fmt::format("no NVIDIA driver ({})", dl_problem());
  }
  bool present() const { return handle_ != nullptr; }
  const std::string& problem() const { return problem_; }

  template <class... Args>
  bool call(const char* name, Args... args) {
    using Function = int (*)(Args...);
    const auto function = reinterpret_cast<Function>(dlsym(handle_, name));
    const int result = function != nullptr ? function(args...) : -1;
    if (result != 0) problem_ = fmt::format("the NVIDIA driver's {} failed: {}", name, error_text(result));
    return result == 0;
  }

 private:
  std::string error_text(int result) {
    const auto function = reinterpret_cast<int (*)(int, const char**)>(dlsym(handle_, "cuGetErrorString"));
    const char* text = nullptr;
    if (function != nullptr && function(result, &text) == 0 && text != nullptr)
      return fmt::format("{} ({})", text, result);
    return fmt::format("error {}", result);
  }

  void* handle_;
  std::string problem_;
};

bool describe_device(DriverLibrary& driver, int index, CudaDevice& device) {
  constexpr int major_attribute = 75, minor_attribute = 76;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
  int handle = 0;
  char name[256] = "";
  std::size_t memory = 0;
  if (!driver.call("cuDeviceGet", &handle, index) || !driver.call("cuDeviceGetName", &name[0], 255, handle) ||
      !driver.call("cuDeviceTotalMem_v2", &memory, handle) ||
      !driver.call("cuDeviceGetAttribute", &device.major, major_attribute, handle) ||
      !driver.call("cuDeviceGetAttribute", &device.minor, minor_attribute, handle))
    return false;
  device.name = name;
  device.memory = static_cast<std::int64_t>(memory);
  return true;
}

CudaDriver find_cuda_driver() {
  DriverLibrary driver;
  CudaDriver found;
  found.present = driver.present();
  int count = 0;
  if (driver.present() && driver.call("cuInit", 0u) && driver.call("cuDriverGetVersion", &found.version) &&
      driver.call("cuDeviceGetCount", &count)) {
    for (int i = 0; i < count; ++i)
      if (CudaDevice device; describe_device(driver, i, device)) found.devices.push_back(device);
  }
  if (found.devices.empty())
    found.problem = driver.problem().empty() ? "the NVIDIA driver reports no device" : driver.problem();
  return found;
}

// The folder of the libtorch_cpu.so this process runs with.
std::filesystem::path torch_folder() {
  void* handle = dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
  link_map* map = nullptr;
  if (handle == nullptr || dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) return {};
  const std::filesystem::path path = map->l_name;
  dlclose(handle);
  return path.parent_path();
}

CudaLibrary load() {
  CudaLibrary library;
  const std::filesystem::path path = torch_folder() / "libtorch_cuda.so";
  library.path = path.string();
  if (!std::filesystem::exists(path))
    library.problem = fmt::format("{} is not there: this LibTorch is made for CPUs only", path.string());
  else if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr)
    library.problem =
        fmt::format("{} (`scripts/setup.sh --cuda` installs the libraries it needs)", dl_problem());
  library.loaded = library.problem.empty();
  return library;
}

}  // namespace

const CudaDriver& cuda_driver() {
  static const CudaDriver driver = find_cuda_driver();
  return driver;
}

const CudaLibrary& load_cuda_library() {
  static const CudaLibrary library = load();
  return library;
}

}  // namespace smlp
