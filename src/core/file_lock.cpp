#include "smlp/core/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>

#include "file_details.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/host.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

void write_owner(int descriptor, const fs::path& path) {
  const std::string owner = fmt::format("process {} on {}", ::getpid(), host_name());
  const auto size = static_cast<ssize_t>(owner.size());
  if (::ftruncate(descriptor, 0) != 0) cannot("write", path, errno);
  const ssize_t written = ::pwrite(descriptor, owner.data(), owner.size(), 0);
  if (written != size) cannot("write", path, written < 0 ? errno : ENOSPC);
}

// Somebody may be looking at the lock.
bool lock_patiently(int descriptor, const fs::path& path) {
  for (int tries = 50; tries > 0; --tries) {
    if (try_lock(descriptor, path)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

bool try_lock(int descriptor, const fs::path& path) {
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  log().warn("{}: cannot be locked: {}; going on, but see to it that no second process writes there",
             path.string(), std::generic_category().message(errno));
  return true;
}

LockState lock_state(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT ? LockState::free : LockState::unknown;
  const int code = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0 ? 0 : errno;
  ::close(descriptor);
  if (code == 0) return LockState::free;
  return code == EWOULDBLOCK ? LockState::held : LockState::unknown;
}

FileLock::FileLock(const fs::path& path, std::string_view what) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) cannot("open", path, errno);
  try {
    if (!lock_patiently(descriptor_, path)) {
      const std::string owner = printable(read_file(path, 4096));
      fail(ErrorKind::failed, "{} by {}", what, owner.empty() ? "another process" : owner);
    }
    write_owner(descriptor_, path);
  } catch (const Error&) {
    ::close(descriptor_);
    throw;
  }
}

FileLock::~FileLock() {
  ::close(descriptor_);
}

}  // namespace smlp
