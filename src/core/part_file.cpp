#include "smlp/core/part_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "file_details.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/file_lock.hpp"
#include "smlp/core/files.hpp"

namespace smlp {

PartFile::PartFile(fs::path target) : target_(std::move(target)), path_(target_.string() + ".part") {
  // O_NONBLOCK: a pipe of that name does not hang the program.
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
  if (descriptor_ < 0) cannot("write", path_, errno);
  try {
    lock();
  } catch (const Error&) {
    ::close(descriptor_);
    throw;
  }
}

PartFile::~PartFile() {
  if (descriptor_ < 0) return;
  if (size_ == 0) ::unlink(path_.c_str());
  ::close(descriptor_);
}

void PartFile::lock() {
  struct stat opened {
  }, named{};
  const bool locked = try_lock(descriptor_, path_);
  if (::fstat(descriptor_, &opened) != 0) cannot("write", path_, errno);
  // Before the lock was got, its last holder may have renamed or removed the file.
  const bool same = ::stat(path_.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
  if (!locked || !same) fail(ErrorKind::failed, "{} is being written by another process", path_.string());
  if (!S_ISREG(opened.st_mode)) fail(ErrorKind::failed, "{} is not a regular file", path_.string());
  size_ = static_cast<std::uint64_t>(opened.st_size);
}

void PartFile::write(const void* bytes, std::size_t size) {
  const char* next = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = ::pwrite(descriptor_, next, size, static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) cannot("write", path_, written < 0 ? errno : ENOSPC);
    next += written;
    size -= static_cast<std::size_t>(written);
    size_ += static_cast<std::uint64_t>(written);
  }
}

void PartFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0) cannot("write", path_, errno);
  size_ = 0;
}

void PartFile::commit() {
  if (::fsync(descriptor_) != 0) cannot("write", path_, errno);
  if (::rename(path_.c_str(), target_.c_str()) != 0) cannot("write", target_, errno);
  ::close(std::exchange(descriptor_, -1));
  const fs::path folder = target_.parent_path();
  sync_directory(folder.empty() ? "." : folder);
}

}  // namespace smlp
