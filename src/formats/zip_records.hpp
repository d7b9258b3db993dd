#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smlp {

struct ZipRecord {
  std::string_view name;
  std::span<const std::byte> bytes;
  std::uint32_t crc = 0;  // of the content
  bool stored = true;     // false: `bytes` are compressed
};

// The records of a zip archive that lies in memory, in the order of its directory; names and bytes point into
// it. Goals: records can be used where they lie, and no two readers could see different contents. So: no
// encryption, no comment, nothing before the first record, local headers that agree with the directory, no
// overlaps, no doubled names, none that is absolute or has "..". Zip64 is read. Nothing is decompressed, and
// CRCs are checked by check_crc() only. Error(data) starting with `file`.
std::vector<ZipRecord> read_stored_zip(std::span<const std::byte> archive, const std::string& file);

void check_crc(const ZipRecord& record, const std::string& file);  // differs: Error(data)

std::uint32_t crc_of(std::span<const std::byte> bytes);

}  // namespace smlp
