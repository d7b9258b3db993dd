#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <random>
#include <string>
#include <system_error>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"

// What the sources of smlp/core/files.hpp share.
namespace smlp {

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : value_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

inline std::string reason(int code) {
  return std::generic_category().message(code);
}

[[noreturn]] inline void cannot(const char* action, const fs::path& path, int code) {
  fail(ErrorKind::failed, "cannot {} {}: {}", action, path.string(), reason(code));
}

inline fs::path parent_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

inline constexpr const char* temporary_mark = ".tmp-";

inline fs::path temporary_beside(const fs::path& target) {
  std::random_device random;
  const std::string name =
      fmt::format(".{}{}{}-{:08x}", target.filename().string(), temporary_mark, ::getpid(), random());
  return parent_of(target) / name;
}

}  // namespace smlp
