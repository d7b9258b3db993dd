#pragma once
// A library that is found at run time, and NVIDIA's driver in particular: neither CUDA headers nor a toolkit
// are needed.
#include <dlfcn.h>
#include <spdlog/fmt/fmt.h>

#include <string>

#include "smlp/core/error.hpp"

namespace smlp {

// Why the last dlopen or dlsym failed.
std::string dl_problem();

// The driver's stable C interface (libcuda.so.1). A function returns 0 for success.
class DriverLibrary {
 public:
  DriverLibrary();
  bool present() const { return handle_ != nullptr; }
  const std::string& problem() const { return problem_; }  // of the last call that failed

  template <class... Args>
  bool call(const char* name, Args... args) {
    using Function = int (*)(Args...);
    const auto function = reinterpret_cast<Function>(find(name));
    const int result = function != nullptr ? function(args...) : -1;
    if (result != 0) problem_ = fmt::format("the NVIDIA driver's {} failed: {}", name, error_text(result));
    return result == 0;
  }

  // The same; failure: Error(failed).
  template <class... Args>
  void must(const char* name, Args... args) {
    if (!call(name, args...)) fail(ErrorKind::failed, "{}", problem_);
  }

 private:
  void* find(const char* name);
  std::string error_text(int result);

  void* handle_;
  std::string problem_;
};

// The one of this process.
DriverLibrary& driver_library();

}  // namespace smlp
