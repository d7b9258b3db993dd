#include "smlp/core/hash.hpp"

#include <openssl/evp.h>
#include <spdlog/fmt/fmt.h>
#include <xxhash.h>

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include "smlp/core/error.hpp"

namespace smlp {

std::string xxh3_hex(std::span<const std::byte> bytes) {
  return fmt::format("{:016x}", XXH3_64bits(bytes.data(), bytes.size()));
}

std::string md5_hex(const std::filesystem::path& path) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (state == nullptr || EVP_DigestInit_ex(state.get(), EVP_md5(), nullptr) != 1)
    fail(ErrorKind::failed, "OpenSSL offers no MD5 here (is it in FIPS mode?)");
  std::ifstream file(path, std::ios::binary);
  std::vector<char> block(1 << 20);
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    EVP_DigestUpdate(state.get(), block.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) fail(ErrorKind::data, "cannot read {}", path.string());
  std::array<unsigned char, 16> sum{};
  EVP_DigestFinal_ex(state.get(), sum.data(), nullptr);
  return fmt::format("{:02x}", fmt::join(sum, ""));
}

}  // namespace smlp
