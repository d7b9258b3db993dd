#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace smlp {

// One regular file of an archive or a folder.
struct ArchiveEntry {
  std::string path;              // relative, '/' between parts, UTF-8, never "..", never absolute
  std::vector<std::byte> bytes;  // the whole content
};

// Streams the regular files of PATH to `visit`, one at a time, without unpacking to disk; memory holds one
// entry. PATH is a folder (walked in bytewise order of the whole relative path; links to files and folders
// are followed) or an archive as downloaded: tar (plain, gzip, bzip2, xz, zstd) or zip, read with libarchive,
// in the archive's order. `wanted` says by path which files to read; others are skipped without being kept.
// Error(data) naming archive, entry and reason: broken or truncated archive, "..", absolute paths, links and
// devices (in archives), duplicates, a folder linked into itself, a wanted entry over 1 GiB, more than 10 MiB
// unpacked at a ratio over 1,000, names that are not UTF-8.
void read_archive(const std::filesystem::path& path, const std::function<bool(const std::string&)>& wanted,
                  const std::function<void(ArchiveEntry&&)>& visit);

}  // namespace smlp
