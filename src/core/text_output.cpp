#include "smlp/core/text_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <system_error>

#include "file_details.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/standard_output.hpp"

namespace smlp {
namespace {

bool is_written_straight(const fs::path& path) {
  return is_standard_output(path) || is_stream(path) || is_mount_point(path);
}

}  // namespace

TextOutput::TextOutput(const fs::path& path) : path_(path) {
  if (!is_written_straight(path)) {
    file_.emplace(path);
    return;
  }
  std::cout << std::flush;
  descriptor_ =
      is_standard_output(path) ? ::dup(STDOUT_FILENO) : ::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (descriptor_ < 0) cannot("write", path_, errno);
}

TextOutput::~TextOutput() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void TextOutput::write(std::string_view text) {
  if (file_) return file_->write(text);
  if (const int code = write_to(descriptor_, text); code != 0) cannot("write", path_, code);
}

void TextOutput::commit() {
  if (file_) file_->commit();
}

void TextOutput::check(const fs::path& path) {
  if (!is_written_straight(path))
    const AtomicFile can_be_made(path);
  else if (path != "-" && ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0)
    cannot("write", path, errno);
}

}  // namespace smlp
