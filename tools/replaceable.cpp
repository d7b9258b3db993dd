#include "replaceable.hpp"

#include <filesystem>
#include <fstream>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/npy.hpp"

namespace smlp {

void check_replaceable(const std::string& path, std::string_view start) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return;
  std::ifstream file(path, std::ios::binary);
  std::string found(start.size(), '\0');
  file.read(found.data(), static_cast<std::streamsize>(found.size()));
  if (file.gcount() == 0 || found == start) return;
  fail(ErrorKind::usage,
       "{} is there, and is nothing that this option writes: name another, or remove it first", path);
}

void check_array(const std::string& option, const std::string& path) {
  const std::string ending = lower_case(std::filesystem::path(path).extension().string());
  if (ending != ".npy" && !ending.empty() && !is_stream(path))
    fail(ErrorKind::usage, "{} {}: what is written is NumPy's format; call it FILE.npy", option, path);
  check_replaceable(path, npy_start);
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none) || std::filesystem::file_size(path, none) == 0) return;
  const NpyHeader there = NpyFile(path).header();
  if (there.dtype != "<f4" || there.shape.size() != 2)
    fail(ErrorKind::usage,
         "{} {}: an array of another kind is there ({} of {} dimensions): name another file", option, path,
         there.dtype, there.shape.size());
}

}  // namespace smlp
