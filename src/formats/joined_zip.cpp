#include "joined_zip.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace smlp {
namespace {

constexpr std::size_t end_size = 22, comment_limit = 0xffff, locator_size = 20, end64_size = 56;
constexpr std::string_view record_mark("PK\3\4", 4), end_mark("PK\5\6", 4), locator_mark("PK\6\7", 4);

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

bool is_joined_zip(std::span<const std::byte> file) {
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()), file.size());
  if (!bytes.starts_with(record_mark)) return false;
  const std::size_t tail = bytes.size() - std::min(bytes.size(), end_size + comment_limit);
  const std::size_t found = bytes.substr(tail).rfind(end_mark);
  if (found == std::string_view::npos || bytes.size() - tail - found < end_size) return false;
  const std::size_t end = tail + found;
  // Where a record lies, less where it says it lies, is what was put before the archive.
  if (end >= locator_size + end64_size && bytes.substr(end - locator_size).starts_with(locator_mark))
    return end - locator_size - end64_size > number(bytes, end - locator_size + 8, 8);
  return end > number(bytes, end + 12, 4) + number(bytes, end + 16, 4);
}

}  // namespace smlp
