#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace smlp {

// XXH3-64 of the bytes, as 16 hex digits. For noticing damage, not for security.
std::string xxh3_hex(std::span<const std::byte> bytes);

// The MD5 of a file's bytes, as 32 hex digits: what the pages that offer data sets publish. Error(data) when
// it cannot be read.
std::string md5_hex(const std::filesystem::path& path);

}  // namespace smlp
