#include "driver_library.hpp"

namespace smlp {

std::string dl_problem() {
  const char* text = dlerror();
  return text != nullptr ? text : "unknown reason";
}

DriverLibrary::DriverLibrary() : handle_(dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) problem_ = fmt::format("no NVIDIA driver ({})", dl_problem());
}

void* DriverLibrary::find(const char* name) {
  return handle_ != nullptr ? dlsym(handle_, name) : nullptr;
}

std::string DriverLibrary::error_text(int result) {
  const auto function = reinterpret_cast<int (*)(int, const char**)>(find("cuGetErrorString"));
  const char* text = nullptr;
  if (function != nullptr && function(result, &text) == 0 && text != nullptr)
    return fmt::format("{} ({})", text, result);
  return fmt::format("error {}", result);
}

DriverLibrary& driver_library() {
  static DriverLibrary library;
  return library;
}

}  // namespace smlp
