#include "smlp/core/standard_output.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

namespace smlp {
namespace {

constexpr std::size_t flush_bytes = 1 << 16;

}  // namespace

bool is_standard_output(const std::filesystem::path& path) {
  if (path == "-") return true;
  struct stat named {
  }, standard{};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(STDOUT_FILENO, &standard) == 0 &&
         named.st_dev == standard.st_dev && named.st_ino == standard.st_ino;
}

int write_to(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : ENOSPC;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

StandardOutput::StandardOutput() : before_(std::cout.rdbuf(this)) {
  if (::isatty(STDOUT_FILENO) != 0) std::cout << std::unitbuf;
}

StandardOutput::~StandardOutput() {
  sync();
  std::cout.rdbuf(before_);
}

int StandardOutput::flush() {
  sync();
  return error_;
}

StandardOutput::int_type StandardOutput::overflow(int_type character) {
  if (!traits_type::eq_int_type(character, traits_type::eof()))
    pending_ += traits_type::to_char_type(character);
  return pending_.size() >= flush_bytes && sync() != 0 ? traits_type::eof() : traits_type::not_eof(character);
}

int StandardOutput::sync() {
  if (error_ == 0) error_ = write_to(STDOUT_FILENO, pending_);
  pending_.clear();
  return error_ == 0 ? 0 : -1;
}

}  // namespace smlp
