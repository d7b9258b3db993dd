// FFCV's files, by the reader of the format and as a source of images.
#include "memory_file.hpp"
#include "read_source.hpp"
#include "smlp/formats/beton.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  const std::span<const std::byte> bytes = fuzz::bytes_of(data, size);
  fuzz::refuses_only_as(ErrorKind::data, [&] {
    BetonReader reader(bytes, "fuzz.beton");
    for (std::int64_t i = 0; i < reader.samples(); ++i) {
      const BetonSample sample = reader.sample(i);
      fuzz::require(
          sample.bytes.empty() || (sample.bytes.data() >= bytes.data() &&
                                   sample.bytes.data() + sample.bytes.size() <= bytes.data() + size),
          "an image outside the file");
    }
  });
  static fuzz::MemoryFile file, classes;
  file.write(fuzz::text_of(data, size));
  classes.write("a\nb\nc\nd\n");
  SourceRequest request{file.path(), {}, {}};
  request.options.classes = classes.path();
  fuzz::read_source("beton", request);
  return 0;
}
