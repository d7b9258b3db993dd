#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "smlp/core/files.hpp"
#include "smlp/formats/safetensors.hpp"

namespace smlp {

// The arrays of a file that numpy.savez wrote, mapped. Array "opt/target/head/kernel" is the tensor
// "opt.target.head.kernel". Refused, saying what was found: compressed records, what is no array, arrays that
// NpyFile refuses or whose bytes are big-endian, wrong sizes and checksums, two names that become one.
class NpzFile {
 public:
  explicit NpzFile(const std::filesystem::path& path);
  NpzFile(std::span<const std::byte> bytes, std::string name);  // which outlive it

  const std::vector<SafetensorsEntry>& entries() const { return entries_; }  // in the order saved

 private:
  void read(std::span<const std::byte> bytes);

  std::string name_;
  MappedFile file_;
  std::vector<SafetensorsEntry> entries_;
};

}  // namespace smlp
