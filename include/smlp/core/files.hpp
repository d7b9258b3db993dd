#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smlp {

namespace fs = std::filesystem;

// Every file is written beside its target, synced, and renamed onto it: a reader sees the old file or the new
// one, whole. All functions throw Error(failed) with the path and the system's reason (disk full, no
// permission) when writing, Error(data) when reading.

// A file that appears under its name only on commit(). Without commit() nothing is left behind. A file that
// is replaced keeps its mode, and its owner where the system allows that; one that this user may not write is
// refused, as are a pipe, a device, a mount point and standard output.
class AtomicFile {
 public:
  explicit AtomicFile(fs::path target);  // creates the folder's temporary file; the folder must exist
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* bytes, std::size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void write_at(std::uint64_t offset, const void* bytes,
                std::size_t size);              // fills in a header written earlier
  std::uint64_t size() const { return size_; }  // bytes written by write()
  void commit();                                // sync, rename, sync the folder

 private:
  fs::path target_, temporary_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

// A file written over several runs of the program: opened, or made, cut to `size` bytes (nullopt: left as it
// is) and appended to. A file that is shorter: Error(data). What was written before sync() survives a crash,
// the rest may not.
class AppendFile {
 public:
  AppendFile(fs::path path, std::optional<std::uint64_t> size);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  // After an error the size is what it was: the next write goes over what came through.
  void write(const void* bytes, std::size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void write_at(std::uint64_t offset, const void* bytes, std::size_t size);
  std::uint64_t size() const { return size_; }
  void sync() const;  // may run beside write()

 private:
  fs::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

// A folder that appears under its name only on commit(): files are made in path(), each synced by its writer.
// A target that exists is refused, Error(usage), unless `replace`: then the two change places in one step,
// where the file system can (else the old one is moved aside first), and the old one is removed once the new
// one is durable.
class StagedDirectory {
 public:
  explicit StagedDirectory(fs::path target, bool replace = false);
  ~StagedDirectory();  // removes what was not committed
  StagedDirectory(const StagedDirectory&) = delete;
  StagedDirectory& operator=(const StagedDirectory&) = delete;

  const fs::path& path() const { return temporary_; }
  void commit();

 private:
  void refuse_existing() const;
  void replace_target();

  fs::path target_, temporary_;
  bool replace_;
};

// "a/./folder/" means a/folder itself.
fs::path without_trailing_slash(const fs::path& path);

void make_parent_directory(const fs::path& target);
void write_file_atomically(const fs::path& target, std::string_view text);
void replace_link(const fs::path& link, const fs::path& points_to);  // symbolic link, swapped atomically
void sync_directory(const fs::path& directory);

// Renames a folder to a temporary name first, so that no half-deleted one ever stands under its own.
void remove_directory(const fs::path& directory);

// Writes, replaces, renames and removes a small folder, so that a file system (or a disk that is full) that
// cannot is found before there is work to lose: Error(failed).
void rehearse_writing(const fs::path& directory);

// What writers that were killed left, and the deletion of all that in a folder nobody else is writing to.
bool is_temporary(const fs::path& path);
void remove_temporaries(const fs::path& directory);

// The whole of a regular file (anything else is refused); more than `limit` bytes are refused before reading
// them.
std::string read_file(const fs::path& path, std::uint64_t limit);
// The same of a pipe, a terminal, or "-" for standard input, up to its end.
std::string read_stream(const fs::path& path, std::uint64_t limit);
bool is_stream(const fs::path& path);  // "-", or something there that is neither file nor folder
bool is_mount_point(const fs::path& path);

std::vector<std::byte> read_bytes(const fs::path& path, std::uint64_t limit);

// A regular file mapped read-only: pages come and go with use, and are not this process's memory. An empty
// file is an empty span. A file that shrinks while mapped raises SIGBUS when touched: see
// report_lost_mappings().
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const fs::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace smlp
