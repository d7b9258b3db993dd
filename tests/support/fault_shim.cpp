// Preloaded under the real program to make the system fail where a test wants it to:
//   FAULT_AT_DURABLE=N  raises the signal at the N-th fsync, rename or symlink
//   FAULT_AT_LOGGED=N   raises it at the write that brings metrics.jsonl to N bytes
//   FAULT_AT_REMOVED=N  raises it before the N-th file or folder that is removed
//   FAULT_SIGNAL=N      that signal; SIGKILL when it is not given
//   FAULT_FULL_AFTER=N  after N bytes written to files below …/checkpoints/, the disk is full
//   FAULT_LACKS=WORDS   a file system without some of: locks, links, shared-maps, folder-sync, folder-rename
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
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
std::atomic<long> bytes_logged{0};
std::atomic<long> bytes_written{0};

bool lacks(const char* what) {
  static const char* const words = std::getenv("FAULT_LACKS");
  return words != nullptr && std::strstr(words, what) != nullptr;
}

int refuse(int code) {
  errno = code;
  return -1;
}

bool is_folder(const struct stat& status) {
  return S_ISDIR(status.st_mode);
}

void raise_signal() {
  const long number = setting("FAULT_SIGNAL");
  raise(number == LONG_MAX ? SIGKILL : static_cast<int>(number));
}

void count_durable() {
  static const long limit = setting("FAULT_AT_DURABLE");
  if (++durable_calls == limit) raise_signal();
}

void count_removed() {
  static const long limit = setting("FAULT_AT_REMOVED");
  static std::atomic<long> removed{0};
  if (++removed == limit) raise_signal();
}

bool goes_to(int descriptor, const char* part_of_path) {
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = 0;
  return std::strstr(path, part_of_path) != nullptr;
}

void count_logged(int descriptor, ssize_t size) {
  static const long limit = setting("FAULT_AT_LOGGED");
  if (limit == LONG_MAX || size <= 0 || !goes_to(descriptor, "/metrics.jsonl")) return;
  const long before = bytes_logged.fetch_add(size);
  if (before < limit && before + size >= limit) raise_signal();
}

bool disk_full(int descriptor, std::size_t size) {
  static const long limit = setting("FAULT_FULL_AFTER");
  if (limit == LONG_MAX || !goes_to(descriptor, "/checkpoints/")) return false;
  return (bytes_written += static_cast<long>(size)) > limit;
}

}  // namespace

extern "C" {

int fsync(int descriptor) {
  count_durable();
  struct stat status {};
  if (lacks("folder-sync") && ::fstat(descriptor, &status) == 0 && is_folder(status)) return refuse(EBADF);
  return next<int (*)(int)>("fsync")(descriptor);
}
int fdatasync(int descriptor) {
  count_durable();
  return next<int (*)(int)>("fdatasync")(descriptor);
}
int rename(const char* from, const char* to) noexcept {
  count_durable();
  struct stat status {};
  if (lacks("folder-rename") && ::stat(from, &status) == 0 && is_folder(status)) return refuse(ENOSYS);
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}
int symlink(const char* target, const char* link) noexcept {
  count_durable();
  if (lacks("links")) return refuse(EPERM);
  return next<int (*)(const char*, const char*)>("symlink")(target, link);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  count_removed();
  return next<int (*)(int, const char*, int)>("unlinkat")(folder, path, flags);
}
int remove(const char* path) noexcept {
  count_removed();
  return next<int (*)(const char*)>("remove")(path);
}
int flock(int descriptor, int operation) noexcept {
  if (lacks("locks")) return refuse(ENOLCK);
  return next<int (*)(int, int)>("flock")(descriptor, operation);
}
void* mmap(void* address, std::size_t size, int protection, int flags, int descriptor,
           off_t offset) noexcept {
  if (lacks("shared-maps") && descriptor >= 0 && (flags & MAP_SHARED) != 0) {
    errno = ENODEV;
    return MAP_FAILED;
  }
  return next<void* (*)(void*, std::size_t, int, int, int, off_t)>("mmap")(address, size, protection, flags,
                                                                           descriptor, offset);
}
ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  if (disk_full(descriptor, size)) {
    errno = ENOSPC;
    return -1;
  }
  const ssize_t written = next<ssize_t (*)(int, const void*, std::size_t)>("write")(descriptor, bytes, size);
  count_logged(descriptor, written);
  return written;
}
ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  if (disk_full(descriptor, size)) {
    errno = ENOSPC;
    return -1;
  }
  const ssize_t written =
      next<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite")(descriptor, bytes, size, offset);
  count_logged(descriptor, written);
  return written;
}

}  // extern "C"
