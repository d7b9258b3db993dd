#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace smlp {

// One regular file of an archive or a folder, read as a stream while it is being visited.
class ArchiveEntry {
 public:
  // path: relative, '/' between parts, UTF-8, never "..", never absolute. archive: what an error names.
  ArchiveEntry(std::string archive, std::string path)
      : path_(std::move(path)), archive_(std::move(archive)) {}
  virtual ~ArchiveEntry() = default;
  ArchiveEntry(const ArchiveEntry&) = delete;
  ArchiveEntry& operator=(const ArchiveEntry&) = delete;

  const std::string& path() const { return path_; }
  std::string where() const { return archive_ + ": " + path_; }

  // Fills the buffer as far as the content goes; less than its size, or 0, only at the end.
  std::size_t read(std::span<std::byte> buffer);
  std::vector<std::byte> bytes();  // the whole of it; over 1 GiB: Error(data)
  std::string text();
  std::vector<std::string> lines();  // as text_lines() gives them

  // Calls visit(record, index) for each `size` bytes. A last one cut short, or none at all: Error(data).
  void records(std::size_t size, const std::function<void(std::span<const std::byte>, std::int64_t)>& visit);

 protected:
  // Some of the next bytes, 0 at the end.
  virtual std::size_t read_some(std::span<std::byte> buffer) = 0;
  virtual std::uint64_t size_hint() const { return 0; }  // what the archive says, which may be a lie

 private:
  std::string path_, archive_;
};

// Which files to read, asked by path, which may be any bytes; others are skipped, whatever they are. Folders
// are asked about too, with '/' at their end: those of a folder on disk that are not wanted are not entered.
// In an archive the answer for a folder makes no difference.
using WantedEntry = std::function<bool(const std::string& path)>;
using VisitEntry = std::function<void(ArchiveEntry& entry)>;

// Streams the regular files of PATH to `visit`, one at a time, without unpacking to disk. PATH is a folder
// (walked in bytewise order of the whole relative path; links to files and folders are followed) or an
// archive as downloaded: tar (plain, gzip, bzip2, xz, zstd; also several joined with cat) or zip, read with
// libarchive, in the archive's order. Error(data) naming archive, entry and reason: broken or truncated
// archive, what follows a tar archive and is none, joined zip archives, "..", absolute paths, duplicates, a
// folder linked into itself, more than 10 MiB unpacked at a ratio over 1,000; of wanted files: names that are
// not UTF-8, links and devices (in archives).
void read_archive(const std::filesystem::path& path, const WantedEntry& wanted, const VisitEntry& visit);

// The same of an archive that is an entry of another: a tar file within a tar file.
void read_archive(ArchiveEntry& archive, const WantedEntry& wanted, const VisitEntry& visit);

}  // namespace smlp
