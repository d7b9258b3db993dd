#include "replaceable.hpp"

#include <filesystem>
#include <fstream>

#include "smlp/core/error.hpp"

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

}  // namespace smlp
