#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "file_details.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/signals.hpp"

namespace smlp {
namespace {

// Opens a regular file for reading; O_NONBLOCK, so that a pipe of that name does not hang the program.
std::uint64_t check_readable(const Descriptor& file, const fs::path& path) {
  if (file.get() < 0) fail(ErrorKind::data, "cannot open {}: {}", path.string(), reason(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    fail(ErrorKind::data, "cannot read {}: {}", path.string(), reason(errno));
  if (!S_ISREG(status.st_mode)) fail(ErrorKind::data, "{} is not a regular file", path.string());
  return static_cast<std::uint64_t>(status.st_size);
}

// Until something comes, or the last writer left. A request to stop ends the wait, whichever thread took it.
void wait_for_input(int file, const fs::path& path) {
  constexpr int milliseconds = 100;
  pollfd waiting{file, POLLIN, 0};
  while (true) {
    const int ready = ::poll(&waiting, 1, milliseconds);
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR)
      fail(ErrorKind::data, "cannot read {}: {}", path.string(), reason(errno));
    if (stop_signal() != 0)
      throw Interrupted(fmt::format("stopped by a signal while waiting for {}", path.string()));
  }
}

// Reads to the end from where the file stands, which has about `size` bytes. wait: they may come late.
template <class Buffer>
Buffer read_all(int file, const fs::path& path, std::uint64_t size, std::uint64_t limit, bool wait) {
  const auto refuse = [&](std::uint64_t found) {
    fail(ErrorKind::data, "{} has {} bytes or more, at most {} are accepted", path.string(), found, limit);
  };
  if (size > limit) refuse(size);
  Buffer buffer;
  buffer.resize(static_cast<std::size_t>(size) + 1);  // the last byte notices a file that grew
  std::size_t used = 0;
  while (true) {
    if (wait) wait_for_input(file, path);
    const ssize_t got = ::read(file, buffer.data() + used, buffer.size() - used);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) fail(ErrorKind::data, "cannot read {}: {}", path.string(), reason(errno));
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > limit) refuse(used);
    if (used == buffer.size()) buffer.resize(used + std::max<std::size_t>(used, 4096));
  }
  buffer.resize(used);
  return buffer;
}

template <class Buffer>
Buffer read_whole(const fs::path& path, std::uint64_t limit) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  return read_all<Buffer>(file.get(), path, check_readable(file, path), limit, false);
}

}  // namespace

std::string read_file(const fs::path& path, std::uint64_t limit) {
  return read_whole<std::string>(path, limit);
}

bool is_stream(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  return path == "-" || (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status));
}

std::string read_stream(const fs::path& path, std::uint64_t limit) {
  if (path == "-") return read_all<std::string>(STDIN_FILENO, "standard input", 0, limit, true);
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);  // a pipe's writer is waited for below
  if (file.get() < 0) fail(ErrorKind::data, "cannot open {}: {}", path.string(), reason(errno));
  return read_all<std::string>(file.get(), path, 0, limit, true);
}

std::vector<std::byte> read_bytes(const fs::path& path, std::uint64_t limit) {
  return read_whole<std::vector<std::byte>>(path, limit);
}

MappedFile::MappedFile(const fs::path& path) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  const std::uint64_t size = check_readable(file, path);
  if (size == 0) return;
  // Private, which reads the same pages: some network file systems have no shared mappings.
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED)
    fail(ErrorKind::data, "cannot map {}: {}; copy it to another file system", path.string(), reason(errno));
  data_ = static_cast<const std::byte*>(address);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace smlp
