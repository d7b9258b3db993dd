// NumPy's .npz files. An input that starts with "PK" is one; else it is arrays of one, each after its length
// in two bytes, so that mutations get past the checksums.
#include <algorithm>

#include "fuzz.hpp"
#include "smlp/formats/npz.hpp"
#include "support/stored_zip.hpp"

namespace {

using namespace smlp;

std::string archive_of(std::string_view input) {
  testing::ZipContents contents;
  for (int i = 0; i < 16 && input.size() >= 2; ++i) {
    const std::size_t length = std::min(testing::number_at(input, 0, 2), std::uint64_t{input.size() - 2});
    contents.emplace_back(std::to_string(i) + "/kernel.npy", std::string(input.substr(2, length)));
    input.remove_prefix(2 + length);
  }
  return testing::stored_zip(contents);
}

void read(std::string_view archive) {
  fuzz::count_refusal(fuzz::refuses_only_as(ErrorKind::data, [&] {
    const NpzFile file(std::as_bytes(std::span(archive)), "fuzz.npz");
    std::size_t total = 0;
    unsigned sum = 0;
    for (const SafetensorsEntry& entry : file.entries()) {
      std::uint64_t wanted = safetensors_item_size(entry.dtype);
      for (const std::int64_t dimension : entry.shape) wanted *= static_cast<std::uint64_t>(dimension);
      fuzz::require(entry.bytes.size() == wanted, "an array that is not its shape's size");
      for (const std::byte byte : entry.bytes) sum += std::to_integer<unsigned>(byte);
      total += entry.bytes.size();
    }
    fuzz::require(total <= archive.size(), "more data than the file has");
    static volatile unsigned used = 0;
    used = used + sum;
  }));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  read(input.starts_with("PK") ? std::string(input) : archive_of(input));
  return 0;
}
