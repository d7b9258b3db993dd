#pragma once
// An input that stands for the files of an archive, so that mutation works on their content and their order,
// not on a tar file's checksums. Each file is a script entry: a byte that chooses its name, two for its size,
// two for how many bytes follow, and those, which are repeated up to the size (little-endian).
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smlp::fuzz {

using Files = std::vector<std::pair<std::string, std::string>>;  // path, content

inline constexpr std::size_t scripted_bytes = 64 << 10, scripted_files_limit = 64;

inline std::string script_entry(std::size_t name, std::string_view given, std::size_t size) {
  std::string entry;
  for (const std::size_t byte : {name, size & 0xff, size >> 8, given.size() & 0xff, given.size() >> 8})
    entry += static_cast<char>(byte);
  return entry.append(given);
}
inline std::string script_entry(std::size_t name, std::string_view content) {
  return script_entry(name, content, content.size());
}

inline std::string repeated(std::string_view given, std::size_t size) {
  std::string content(size, '\0');
  for (std::size_t i = 0; i < size && !given.empty(); i += given.size())
    given.copy(&content[i], std::min(given.size(), size - i));
  return content;
}

inline Files scripted_files(std::string_view script, std::span<const std::string_view> names) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(script[i]));
  };
  Files files;
  std::size_t total = 0;
  while (script.size() >= 5 && files.size() < scripted_files_limit) {
    const std::size_t size = byte(1) | byte(2) << 8, given = byte(3) | byte(4) << 8;
    total += size;
    if (total > scripted_bytes) break;
    files.emplace_back(names[byte(0) % names.size()], repeated(script.substr(5, given), size));
    script.remove_prefix(std::min(script.size(), 5 + given));
  }
  return files;
}

// Sets the checksum of a ustar header of 512 bytes.
inline void mend_tar_header(char* header) {
  std::memset(header + 148, ' ', 8);
  unsigned sum = 0;
  for (int i = 0; i < 512; ++i) sum += static_cast<unsigned char>(header[i]);
  std::snprintf(header + 148, 8, "%06o", sum);
}

inline std::string tar_of(const Files& files) {
  std::string tar;
  for (const auto& [path, content] : files) {
    std::array<char, 512> header{};
    path.copy(header.data(), 100);
    std::snprintf(&header[100], 8, "%07o", 0644);
    std::snprintf(&header[124], 12, "%011zo", content.size());
    std::snprintf(&header[136], 12, "%011o", 0);
    header[156] = path.ends_with('/') ? '5' : '0';
    std::memcpy(&header[257], "ustar\00000", 8);
    mend_tar_header(header.data());
    tar.append(header.data(), header.size()).append(content);
    tar.resize((tar.size() + 511) / 512 * 512);
  }
  return tar.append(1024, '\0');
}

}  // namespace smlp::fuzz
