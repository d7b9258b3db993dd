#pragma once
#include <spdlog/fmt/fmt.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace smlp {

// What went wrong, in the program's exit codes.
enum class ErrorKind : int {
  failed = 1,      // anything else: out of memory, disk full, no such device
  usage = 2,       // command line or configuration
  data = 3,        // a data set, checkpoint or other input file is missing, broken or of the wrong kind
  not_finite = 4,  // the loss or the gradient stayed NaN or infinite
};

// The one exception type. Its text says what was found, where (file:line:column, byte offset or key), and
// what to do about it. Caught in `main`, at a thread's edge, and around one run of several.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// Throws Error with a formatted message: fail(ErrorKind::data, "{}: {} bytes, expected {}", path, found,
// wanted).
template <class... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace smlp
