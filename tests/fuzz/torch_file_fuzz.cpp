// PyTorch's files. An input that starts with "PK" or 0x80 is one; else it is the pickle of one: a count of
// storages (modulo 16), the size of each in two bytes (modulo 8192), data.pkl. So mutations get past the
// checksums.
#include "fuzz.hpp"
#include "smlp/formats/torch_file.hpp"
#include "support/stored_zip.hpp"

namespace {

using namespace smlp;

std::string archive_of(std::string_view input) {
  const std::size_t storages = input.empty() ? 0 : static_cast<unsigned char>(input[0]) % 16;
  if (input.size() < 1 + 2 * storages) return {};
  testing::ZipContents contents{{"a/data.pkl", std::string(input.substr(1 + 2 * storages))},
                                {"a/version", "3\n"}};
  for (std::size_t i = 0; i < storages; ++i)
    contents.emplace_back(
        "a/data/" + std::to_string(i),
        std::string(testing::number_at(input, 1 + 2 * i, 2) % 8192, static_cast<char>('0' + i)));
  return testing::stored_zip(contents);
}

void read(std::string_view archive) {
  fuzz::refuses_only_as(ErrorKind::data, [&] {
    const TorchFile file(std::as_bytes(std::span(archive)), "fuzz.pt");
    std::size_t total = 0;
    unsigned sum = 0;
    for (const SafetensorsEntry& entry : file.entries()) {
      std::uint64_t wanted = safetensors_item_size(entry.dtype);
      for (const std::int64_t dimension : entry.shape) wanted *= static_cast<std::uint64_t>(dimension);
      fuzz::require(entry.bytes.size() == wanted, "a tensor that is not its shape's size");
      fuzz::require(&file.at(entry.name) == &entry, "a tensor that is not found by its name");
      for (const std::byte byte : entry.bytes) sum += std::to_integer<unsigned>(byte);
      total += entry.bytes.size();
    }
    fuzz::require(total <= 2 * archive.size() + (1 << 20), "more data than the file may describe");
    static volatile unsigned used = 0;
    used = used + sum;
  });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  read(input.starts_with("PK") || input.starts_with("\x80") ? std::string(input) : archive_of(input));
  return 0;
}
