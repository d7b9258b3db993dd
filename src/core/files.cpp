#include "smlp/core/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "file_details.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/standard_output.hpp"

namespace smlp {
namespace {

void write_all(int descriptor, const fs::path& path, const void* bytes, std::size_t size,
               const std::uint64_t* offset) {
  const char* next = static_cast<const char*>(bytes);
  std::uint64_t position = offset ? *offset : 0;
  while (size > 0) {
    const ssize_t written = offset ? ::pwrite(descriptor, next, size, static_cast<off_t>(position))
                                   : ::write(descriptor, next, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) cannot("write", path, errno);
    if (written == 0) cannot("write", path, ENOSPC);
    next += written;
    position += static_cast<std::uint64_t>(written);
    size -= static_cast<std::size_t>(written);
  }
}

// The file a link means, so that the link stays (one that means nothing is replaced). A device or a pipe is
// not taken for a file to be replaced.
fs::path file_to_replace(fs::path target) {
  std::error_code error;
  const fs::file_status status = fs::status(target, error);
  if (fs::exists(status) && !fs::is_regular_file(status))
    fail(ErrorKind::failed, "{} is not a regular file", target.string());
  if (is_standard_output(target))
    fail(ErrorKind::failed, "{} is standard output, which cannot be replaced: name a file", target.string());
  if (!fs::is_symlink(fs::symlink_status(target, error))) return target;
  return fs::exists(status) ? fs::canonical(target) : target;
}

// As the file that it will replace, before anything is written to it.
void take_mode(int descriptor, const fs::path& target) {
  struct stat old {};
  if (::stat(target.c_str(), &old) != 0) return;
  if (::faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) cannot("write", target, errno);
  if (is_mount_point(target))
    fail(ErrorKind::failed, "{} is a mount point, which cannot be replaced: name a file beside it",
         target.string());
  [[maybe_unused]] const int owned = ::fchown(descriptor, old.st_uid, old.st_gid);
  if (::fchmod(descriptor, old.st_mode & 07777) != 0) cannot("write", target, errno);
}

}  // namespace

fs::path without_trailing_slash(const fs::path& path) {
  fs::path normal = path.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

AtomicFile::AtomicFile(fs::path target)
    : target_(file_to_replace(std::move(target))), temporary_(temporary_beside(target_)) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) cannot("create", target_, errno);
  try {
    take_mode(descriptor_, target_);
  } catch (const Error&) {
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
    throw;
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* bytes, std::size_t size) {
  write_all(descriptor_, target_, bytes, size, nullptr);
  size_ += size;
}

void AtomicFile::write_at(std::uint64_t offset, const void* bytes, std::size_t size) {
  write_all(descriptor_, target_, bytes, size, &offset);
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) cannot("write", target_, errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) cannot("write", target_, errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) cannot("write", target_, errno);
  temporary_.clear();
  sync_directory(parent_of(target_));
}

AppendFile::AppendFile(fs::path path, std::optional<std::uint64_t> size) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) cannot("create", path_, errno);
  const off_t found = ::lseek(descriptor_, 0, SEEK_END);
  const off_t wanted = size ? static_cast<off_t>(*size) : found;
  size_ = static_cast<std::uint64_t>(wanted);
  if (found >= wanted && wanted >= 0 && ::ftruncate(descriptor_, wanted) == 0) return;
  const int code = errno;
  ::close(descriptor_);
  if (found >= 0 && found < wanted)
    fail(ErrorKind::data, "{} has {} bytes, {} were expected", path_.string(), found, wanted);
  cannot("write", path_, code);
}

AppendFile::~AppendFile() {
  ::close(descriptor_);
}

void AppendFile::write(const void* bytes, std::size_t size) {
  write_all(descriptor_, path_, bytes, size, &size_);
  size_ += size;
}

void AppendFile::write_at(std::uint64_t offset, const void* bytes, std::size_t size) {
  write_all(descriptor_, path_, bytes, size, &offset);
}

void AppendFile::sync() const {
  if (::fdatasync(descriptor_) != 0) cannot("write", path_, errno);
}

void make_parent_directory(const fs::path& target) {
  std::error_code error;
  fs::create_directories(parent_of(without_trailing_slash(target)), error);
  if (error) cannot("create", parent_of(target), error.value());
}

void write_file_atomically(const fs::path& target, std::string_view text) {
  AtomicFile file(target);
  file.write(text);
  file.commit();
}

void replace_link(const fs::path& link, const fs::path& points_to) {
  const fs::path temporary = temporary_beside(link);
  if (::symlink(points_to.c_str(), temporary.c_str()) != 0) cannot("create", link, errno);
  if (::rename(temporary.c_str(), link.c_str()) != 0) {
    const int code = errno;
    ::unlink(temporary.c_str());
    cannot("replace", link, code);
  }
  sync_directory(parent_of(link));
}

bool is_mount_point(const fs::path& path) {
  struct statx status {};
  return ::statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace smlp
