// NVIDIA's driver and LibTorch's CUDA half, both found at run time.
#include <link.h>

#include <cstddef>

#include "cuda_paths.hpp"
#include "driver_library.hpp"
#include "smlp/device/capability.hpp"

namespace smlp {
namespace {

constexpr int oldest_driver_of_cuda_13 = 580;

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
  DriverLibrary& driver = driver_library();
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

}  // namespace

std::filesystem::path torch_folder() {
  void* handle = dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
  link_map* map = nullptr;
  if (handle == nullptr || dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) return {};
  const std::filesystem::path path = map->l_name;
  dlclose(handle);
  return path.parent_path();
}

namespace {

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

std::string too_old(const CudaDriver& driver, int cuda_version) {
  if (driver.version / 1000 < cuda_version / 1000)
    return fmt::format(
        "the NVIDIA driver is for CUDA up to {}.{}, this LibTorch is made with CUDA {}.{}: install a newer "
        "driver "
        "({} or newer for CUDA 13), or build with a LibTorch for CUDA {}",
        driver.version / 1000, driver.version % 1000 / 10, cuda_version / 1000, cuda_version % 1000 / 10,
        oldest_driver_of_cuda_13, driver.version / 1000);
  const CudaDevice& device = driver.devices.front();
  if (cuda_version >= 13000 && (device.major < 7 || (device.major == 7 && device.minor < 5)))
    return fmt::format(
        "{} has compute capability {}.{}, LibTorch's CUDA {}.{} needs 7.5 or newer: use a LibTorch "
        "for CUDA 12 or another card (CUDA_VISIBLE_DEVICES chooses)",
        device.name, device.major, device.minor, cuda_version / 1000, cuda_version % 1000 / 10);
  return "";
}

const CudaDriver& cuda_driver() {
  static const CudaDriver driver = find_cuda_driver();
  return driver;
}

const CudaLibrary& load_cuda_library() {
  static const CudaLibrary library = load();
  return library;
}

}  // namespace smlp
