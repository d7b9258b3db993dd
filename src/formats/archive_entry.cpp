#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/archive.hpp"

namespace smlp {
namespace {

constexpr std::size_t size_limit = std::size_t{1} << 30;
constexpr std::size_t chunk_bytes = 1 << 20;

}  // namespace

std::size_t ArchiveEntry::read(std::span<std::byte> buffer) {
  std::size_t used = 0;
  while (used < buffer.size()) {
    const std::size_t got = read_some(buffer.subspan(used));
    if (got == 0) break;
    used += got;
  }
  return used;
}

std::vector<std::byte> ArchiveEntry::bytes() {
  if (size_hint() > size_limit) fail(ErrorKind::data, "{}: larger than 1 GiB", where());
  std::vector<std::byte> bytes;
  std::size_t used = 0;
  // Grown with what arrives, since the size stated may be a lie; one byte more sees the end at once.
  std::size_t next = std::min<std::size_t>(size_hint() + 1, chunk_bytes);
  while (true) {
    bytes.resize(used + next);
    const std::size_t got = read(std::span(bytes).subspan(used));
    used += got;
    if (used > size_limit) fail(ErrorKind::data, "{}: larger than 1 GiB", where());
    if (got < next) break;
    next = chunk_bytes;
  }
  bytes.resize(used);
  return bytes;
}

std::string ArchiveEntry::text() {
  const std::vector<std::byte> content = bytes();
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

std::vector<std::string> ArchiveEntry::lines() {
  return text_lines(text());
}

void ArchiveEntry::records(std::size_t size,
                           const std::function<void(std::span<const std::byte>, std::int64_t)>& visit) {
  // One record more than the archive says there are, so that the first read sees the end.
  const std::uint64_t said = size_hint() / size + 1;
  const std::size_t at_once = std::max<std::size_t>(1, std::min<std::uint64_t>(said, chunk_bytes / size));
  std::vector<std::byte> buffer(at_once * size);
  std::int64_t index = 0;
  while (true) {
    const std::size_t got = read(buffer);
    for (std::size_t start = 0; start + size <= got; start += size)
      visit(std::span(buffer).subspan(start, size), index++);
    if (got % size != 0 || (got == 0 && index == 0))
      fail(ErrorKind::data, "{}: {} bytes, expected a multiple of {}", where(),
           static_cast<std::uint64_t>(index) * size + got % size, size);
    if (got < buffer.size()) return;
  }
}

}  // namespace smlp
