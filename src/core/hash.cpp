#include "smlp/core/hash.hpp"

#include <spdlog/fmt/fmt.h>
#include <xxhash.h>

namespace smlp {

std::string xxh3_hex(std::span<const std::byte> bytes) {
  return fmt::format("{:016x}", XXH3_64bits(bytes.data(), bytes.size()));
}

}  // namespace smlp
