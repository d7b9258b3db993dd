#include "smlp/core/files.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/standard_output.hpp"

namespace smlp {
namespace {

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

std::string reason(int code) {
  return std::generic_category().message(code);
}

[[noreturn]] void cannot(const char* action, const fs::path& path, int code) {
  fail(ErrorKind::failed, "cannot {} {}: {}", action, path.string(), reason(code));
}

fs::path parent_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

const std::string temporary_mark = ".tmp-";

fs::path temporary_beside(const fs::path& target) {
  std::random_device random;
  const std::string name =
      fmt::format(".{}{}{}-{:08x}", target.filename().string(), temporary_mark, ::getpid(), random());
  return parent_of(target) / name;
}

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

// Opens a regular file for reading; O_NONBLOCK, so that a pipe of that name does not hang the program.
std::uint64_t check_readable(const Descriptor& file, const fs::path& path) {
  if (file.get() < 0) fail(ErrorKind::data, "cannot open {}: {}", path.string(), reason(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    fail(ErrorKind::data, "cannot read {}: {}", path.string(), reason(errno));
  if (!S_ISREG(status.st_mode)) fail(ErrorKind::data, "{} is not a regular file", path.string());
  return static_cast<std::uint64_t>(status.st_size);
}

// Reads to the end from where the file stands, which has about `size` bytes.
template <class Buffer>
Buffer read_all(int file, const fs::path& path, std::uint64_t size, std::uint64_t limit) {
  const auto refuse = [&](std::uint64_t found) {
    fail(ErrorKind::data, "{} has {} bytes or more, at most {} are accepted", path.string(), found, limit);
  };
  if (size > limit) refuse(size);
  Buffer buffer;
  buffer.resize(static_cast<std::size_t>(size) + 1);  // the last byte notices a file that grew
  std::size_t used = 0;
  while (true) {
    const ssize_t got = ::read(file, buffer.data() + used, buffer.size() - used);
    if (got < 0 && errno == EINTR) continue;
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
  return read_all<Buffer>(file.get(), path, check_readable(file, path), limit);
}

void sync_tree(const fs::path& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_directory() && !entry.is_symlink()) sync_directory(entry.path());
  sync_directory(directory);
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

StagedDirectory::StagedDirectory(fs::path target, bool replace)
    : target_(without_trailing_slash(target)), temporary_(temporary_beside(target_)), replace_(replace) {
  refuse_existing();
  if (::mkdir(temporary_.c_str(), 0777) != 0) cannot("create", target_, errno);
}

StagedDirectory::~StagedDirectory() {
  if (temporary_.empty()) return;
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

void StagedDirectory::refuse_existing() const {
  std::error_code ignored;
  if (!replace_ && fs::symlink_status(target_, ignored).type() != fs::file_type::not_found)
    fail(ErrorKind::failed, "{} already exists: remove it or choose another name", target_.string());
}

void StagedDirectory::commit() {
  refuse_existing();
  try {
    sync_tree(temporary_);
  } catch (const fs::filesystem_error& error) {
    cannot("write", target_, error.code().value());
  }
  if (replace_ && fs::exists(fs::symlink_status(target_))) {
    replace_target();
  } else {
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) cannot("write", target_, errno);
    temporary_.clear();
    sync_directory(parent_of(target_));
  }
}

void StagedDirectory::replace_target() {
  fs::path old = temporary_;
  if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) != 0) {
    // Not every file system exchanges names.
    if (errno != EINVAL && errno != ENOSYS) cannot("replace", target_, errno);
    old = temporary_beside(target_);
    if (::rename(target_.c_str(), old.c_str()) != 0) cannot("replace", target_, errno);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
      const int code = errno;
      ::rename(old.c_str(), target_.c_str());
      cannot("replace", target_, code);
    }
  }
  temporary_.clear();
  sync_directory(parent_of(target_));
  std::error_code ignored;
  fs::remove_all(old, ignored);
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

void sync_directory(const fs::path& directory) {
  const Descriptor folder(directory, O_RDONLY | O_DIRECTORY);
  if (folder.get() < 0) cannot("open", directory, errno);
  // The others are what file systems say that have nothing to sync for folders.
  if (::fsync(folder.get()) != 0 && errno != EINVAL && errno != EBADF && errno != ENOSYS &&
      errno != EOPNOTSUPP)
    cannot("sync", directory, errno);
}

void remove_directory(const fs::path& directory) {
  const fs::path temporary = temporary_beside(without_trailing_slash(directory));
  std::error_code error;
  fs::rename(directory, temporary, error);
  if (error) cannot("rename", directory, error.value());
  fs::remove_all(temporary, error);
  if (error) cannot("remove", temporary, error.value());
}

void rehearse_writing(const fs::path& directory) {
  const fs::path rehearsal = temporary_beside(directory / "rehearsal");
  try {
    StagedDirectory staged(rehearsal);
    for (const char* text : {"first", "second"}) write_file_atomically(staged.path() / "file", text);
    staged.commit();
    remove_directory(rehearsal);
  } catch (const Error& error) {
    std::error_code ignored;
    fs::remove_all(rehearsal, ignored);
    fail(ErrorKind::failed,
         "nothing can be kept in {}: {}; see to its rights and its space, or choose another file system",
         directory.string(), error.what());
  }
}

bool is_temporary(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".") && name.find(temporary_mark) != std::string::npos;
}

void remove_temporaries(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory))
    if (is_temporary(entry.path())) fs::remove_all(entry.path());
}

std::string read_file(const fs::path& path, std::uint64_t limit) {
  return read_whole<std::string>(path, limit);
}

bool is_stream(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  return path == "-" || (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status));
}

bool is_mount_point(const fs::path& path) {
  struct statx status {};
  return ::statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

std::string read_stream(const fs::path& path, std::uint64_t limit) {
  if (path == "-") return read_all<std::string>(STDIN_FILENO, "standard input", 0, limit);
  const Descriptor file(path, O_RDONLY);
  if (file.get() < 0) fail(ErrorKind::data, "cannot open {}: {}", path.string(), reason(errno));
  return read_all<std::string>(file.get(), path, 0, limit);
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
