#include "smlp/device/cuda_kernel.hpp"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "cuda_paths.hpp"
#include "driver_library.hpp"
#include "kernel_sources.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/hash.hpp"
#include "smlp/device/capability.hpp"

namespace smlp {
namespace {

constexpr std::int64_t largest_code = 16 << 20;  // bytes

// NVRTC's C interface, as far as it is used; 0 is success.
class Nvrtc {
 public:
  Nvrtc() {
    const auto torch = torch_folder();
    const bool cuda_12 = at::hasCUDA() && at::detail::getCUDAHooks().versionCUDART() < 13000;
    for (const char* name :
         {cuda_12 ? "libnvrtc.so.12" : "libnvrtc.so.13", "libnvrtc.so.13", "libnvrtc.so.12"})
      for (const auto& folder :
           {torch / "../../nvidia/cu13/lib", torch / "../../nvidia/cuda_nvrtc/lib", torch, {}})
        if (handle_ == nullptr) handle_ = dlopen((folder / name).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) problem_ = fmt::format("NVRTC is not there ({})", dl_problem());
  }
  const std::string& problem() const { return problem_; }

  template <class... Args>
  int operator()(const char* name, Args... args) const {
    using Function = int (*)(Args...);
    const auto function = reinterpret_cast<Function>(dlsym(handle_, name));
    return function != nullptr ? function(args...) : -1;
  }

  template <class... Args>
  void must(const char* name, Args... args) const {
    if (const int result = (*this)(name, args...); result != 0)
      fail(ErrorKind::failed, "NVRTC's {} failed: error {}", name, result);
  }

 private:
  void* handle_ = nullptr;
  std::string problem_;
};

const Nvrtc& nvrtc() {
  static const Nvrtc library;
  return library;
}

std::string text_of(void* program, const char* size_function, const char* text_function) {
  std::size_t size = 0;
  nvrtc().must(size_function, program, &size);
  std::string text(size, '\0');
  nvrtc().must(text_function, program, text.data());
  return text;
}

std::string hash_of(std::string_view text) {
  return xxh3_hex(std::as_bytes(std::span(text)));
}

std::vector<std::string> compiler_options(const std::string& architecture, Contraction contraction) {
  return {"--gpu-architecture=" + architecture, "--std=c++17", "--device-as-default-execution-space",
          contraction == Contraction::off ? "--fmad=false" : "--fmad=true"};
}

// What the machine code is made from, and so its name in the cache.
std::string code_hash(const std::string& name, const std::string& architecture, Contraction contraction) {
  int major = 0, minor = 0;
  nvrtc().must("nvrtcVersion", &major, &minor);
  std::string all = fmt::format("{} {} {}.{}\n", name,
                                fmt::join(compiler_options(architecture, contraction), " "), major, minor);
  for (const KernelSource& each : kernel_sources) all.append(each.name).append(each.text);
  return hash_of(all);
}

// $XDG_CACHE_HOME/smlp/kernels, or ~/.cache/smlp/kernels; empty where there is neither.
std::filesystem::path cache_folder() {
  for (const auto& [variable, below] : {std::pair{"XDG_CACHE_HOME", ""}, {"HOME", ".cache"}})
    if (const char* folder = std::getenv(variable); folder != nullptr && *folder == '/')
      return std::filesystem::path(folder) / below / "smlp/kernels";
  return {};
}

// The code with its own hash before it. A cache that cannot be written is done without.
void keep(const std::filesystem::path& file, const std::string& code) {
  try {
    std::filesystem::create_directories(file.parent_path());
    write_file_atomically(file, hash_of(code) + code);
  } catch (const std::exception&) {
  }
}

// Empty where nothing is kept, or it is damaged.
std::string kept_code(const std::filesystem::path& file) {
  try {
    const std::string all = read_file(file, largest_code);
    const std::size_t prefix = hash_of("").size();
    const std::string code = all.size() > prefix ? all.substr(prefix) : "";
    return all.starts_with(hash_of(code)) ? code : "";
  } catch (const Error&) {
    return "";
  }
}

void* load_module(const std::string& name, const std::string& architecture, Contraction contraction) {
  if (!nvrtc().problem().empty()) fail(ErrorKind::failed, "{}", nvrtc().problem());
  const std::filesystem::path folder = cache_folder();
  const std::filesystem::path file =
      folder / (name + "-" + code_hash(name, architecture, contraction) + ".cubin");
  std::string code = folder.empty() ? "" : kept_code(file);
  if (code.empty()) {
    code = compile_kernel(name, architecture, contraction);
    if (!folder.empty()) keep(file, code);
  }
  void* module = nullptr;
  driver_library().must("cuModuleLoadData", &module, static_cast<const void*>(code.data()));
  return module;
}

// Each kernel once a process.
void* load_kernel(const std::string& name, Contraction contraction) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, Contraction>, void*> loaded;
  const std::lock_guard lock(mutex);
  void*& function = loaded[{name, contraction}];
  if (function != nullptr) return function;
  const CudaDevice& device = cuda_driver().devices.at(0);
  void* const module = load_module(name, fmt::format("sm_{}{}", device.major, device.minor), contraction);
  driver_library().must("cuModuleGetFunction", &function, module, name.c_str());
  return function;
}

}  // namespace

std::string kernel_problem() {
  try {
    load_kernel("column_sums", Contraction::allowed);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

std::string nvrtc_problem() {
  return nvrtc().problem();
}

const std::vector<std::string>& kernel_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> found;
    for (const KernelSource& each : kernel_sources)
      if (const std::string name = each.name; name.ends_with(".cu"))
        found.push_back(name.substr(0, name.size() - 3));
    return found;
  }();
  return names;
}

std::string compile_kernel(const std::string& name, const std::string& architecture,
                           Contraction contraction) {
  if (!nvrtc().problem().empty()) fail(ErrorKind::failed, "{}", nvrtc().problem());
  std::vector<const char*> names, texts;
  const char* source = nullptr;
  for (const KernelSource& each : kernel_sources) {
    if (name + ".cu" == each.name) source = each.text;
    names.push_back(each.name);
    texts.push_back(each.text);
  }
  if (source == nullptr) fail(ErrorKind::failed, "there is no kernel {}", name);
  void* program = nullptr;
  nvrtc().must("nvrtcCreateProgram", &program, source, name.c_str(), static_cast<int>(names.size()),
               texts.data(), names.data());
  const std::vector<std::string> options = compiler_options(architecture, contraction);
  std::vector<const char*> words;
  for (const std::string& each : options) words.push_back(each.c_str());
  const int result = nvrtc()("nvrtcCompileProgram", program, static_cast<int>(words.size()), words.data());
  const std::string log = text_of(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog");
  const std::string code = result == 0 ? text_of(program, "nvrtcGetCUBINSize", "nvrtcGetCUBIN") : "";
  nvrtc().must("nvrtcDestroyProgram", &program);
  if (result != 0)
    fail(ErrorKind::failed, "the kernel {} could not be compiled for {}: {}", name, architecture, log);
  return code;
}

void CudaKernel::launch_with(c10::Device device, unsigned blocks, unsigned threads, void** arguments) {
  if (blocks == 0) return;
  if (function_ == nullptr) function_ = load_kernel(name_, contraction_);
  const c10::impl::VirtualGuardImpl guard(device.type());
  void* const stream = guard.getStream(device).native_handle();
  driver_library().must("cuLaunchKernel", function_.load(), blocks, 1u, 1u, threads, 1u, 1u, 0u, stream,
                        arguments, static_cast<void**>(nullptr));
}

}  // namespace smlp
