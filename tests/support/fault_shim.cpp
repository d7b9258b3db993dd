// Preloaded under the real program to make the system fail where a test wants it to:
//   FAULT_KILL_AT=N     the N-th call that makes something durable (fsync, rename, symlink) ends the process
//   with
//                       SIGKILL
//   FAULT_FULL_AFTER=N  after N bytes written to files below …/checkpoints/, the disk is full
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

long setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? LONG_MAX : std::atol(value);
}

template <class F>
F next(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

std::atomic<long> durable_calls{0};
std::atomic<long> bytes_written{0};

void count_durable() {
  static const long limit = setting("FAULT_KILL_AT");
  if (++durable_calls >= limit) raise(SIGKILL);
}

bool disk_full(int descriptor, std::size_t size) {
  static const long limit = setting("FAULT_FULL_AFTER");
  if (limit == LONG_MAX) return false;
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = 0;
  if (std::strstr(path, "/checkpoints/") == nullptr) return false;
  return (bytes_written += static_cast<long>(size)) > limit;
}

}  // namespace

extern "C" {

int fsync(int descriptor) {
  count_durable();
  return next<int (*)(int)>("fsync")(descriptor);
}
int fdatasync(int descriptor) {
  count_durable();
  return next<int (*)(int)>("fdatasync")(descriptor);
}
int rename(const char* from, const char* to) noexcept {
  count_durable();
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}
int symlink(const char* target, const char* link) noexcept {
  count_durable();
  return next<int (*)(const char*, const char*)>("symlink")(target, link);
}
ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  if (disk_full(descriptor, size)) {
    errno = ENOSPC;
    return -1;
  }
  return next<ssize_t (*)(int, const void*, std::size_t)>("write")(descriptor, bytes, size);
}
ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  if (disk_full(descriptor, size)) {
    errno = ENOSPC;
    return -1;
  }
  return next<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite")(descriptor, bytes, size, offset);
}

}  // extern "C"
