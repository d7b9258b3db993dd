#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "smlp/core/files.hpp"

namespace smlp {

// One tensor of a safetensors file, as bytes.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;  // BOOL U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 I16 U16 F16 BF16 I32 U32 F32 F64 I64 U64 C64, or
                      // one not known here
  std::vector<std::int64_t> shape;
  std::span<const std::byte>
      bytes;  // little-endian, C order; when read from a file they may lie at any address: copy
};

std::size_t safetensors_item_size(std::string_view dtype);  // unknown: Error(data)

// A safetensors file mapped read-only. Checked before use, as the reference implementation does: header ≤ 100
// MB and starting with '{', no duplicate key, offsets contiguous from 0 in the order of the data without hole
// or overlap, size = shape × item size with checked multiplication where the type is known, file length
// exact. Error(data) naming file and reason.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::vector<SafetensorsEntry>& entries() const { return entries_; }  // in the order of their data
  const SafetensorsEntry& at(const std::string& name) const;                 // absent: Error(data)
  const std::map<std::string, std::string>& metadata() const { return metadata_; }  // "__metadata__"

 private:
  std::string name_;
  MappedFile file_;
  std::vector<SafetensorsEntry> entries_;
  std::map<std::string, std::size_t> index_;
  std::map<std::string, std::string> metadata_;
};

// Writes the entries in the order given (data offsets follow it), atomically. Header padded with spaces to 8
// bytes. Entries whose bytes do not fit their shape, names that are doubled or not UTF-8: Error(failed).
void write_safetensors(const std::filesystem::path& path, std::span<const SafetensorsEntry> entries,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace smlp
