#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smlp::testing {

using ZipContents = std::vector<std::pair<std::string, std::string>>;

inline std::string little_endian(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

inline std::uint64_t number_at(std::string_view bytes, std::size_t at, int size) {
  std::uint64_t value = 0;
  for (int i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

inline std::uint32_t crc32_of(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> values{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      values[i] = i;
      for (int bit = 0; bit < 8; ++bit) values[i] = values[i] >> 1 ^ (0xedb88320u & (0u - (values[i] & 1)));
    }
    return values;
  }();
  std::uint32_t crc = ~0u;
  for (const char c : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

// A zip of stored records, as simple as the format allows.
inline std::string stored_zip(const ZipContents& contents) {
  std::string zip, directory;
  for (const auto& [name, data] : contents) {
    const std::string fields = std::string("\x0a\0\0\0\0\0\0\0\0\0", 10) + little_endian(crc32_of(data), 4) +
                               little_endian(data.size(), 4) + little_endian(data.size(), 4) +
                               little_endian(name.size(), 2) + little_endian(0, 2);
    directory += "PK\1\2" + little_endian(10, 2) + fields + std::string(10, '\0') +
                 little_endian(zip.size(), 4) + name;
    zip += "PK\3\4" + fields + name + data;
  }
  return zip + directory + "PK\5\6" + std::string(4, '\0') + little_endian(contents.size(), 2) +
         little_endian(contents.size(), 2) + little_endian(directory.size(), 4) +
         little_endian(zip.size(), 4) + little_endian(0, 2);
}

// What a small well-formed archive of stored records holds.
inline ZipContents zip_contents(std::string_view zip) {
  ZipContents contents;
  const std::size_t end = zip.size() - 22;
  std::size_t at = number_at(zip, end + 16, 4);
  for (std::uint64_t count = number_at(zip, end + 10, 2); count > 0; --count) {
    const std::size_t size = number_at(zip, at + 24, 4), local = number_at(zip, at + 42, 4);
    const std::size_t data = local + 30 + number_at(zip, local + 26, 2) + number_at(zip, local + 28, 2);
    const std::size_t name_size = number_at(zip, at + 28, 2);
    contents.emplace_back(zip.substr(at + 46, name_size), zip.substr(data, size));
    at += 46 + name_size + number_at(zip, at + 30, 2) + number_at(zip, at + 32, 2);
  }
  return contents;
}

}  // namespace smlp::testing
