#pragma once
#include <cstddef>
#include <span>
#include <string>

namespace smlp {

// XXH3-64 of the bytes, as 16 hex digits. For noticing damage, not for security.
std::string xxh3_hex(std::span<const std::byte> bytes);

}  // namespace smlp
