// Tensors of a checkpoint, or of the world.
#include "memory_file.hpp"
#include "smlp/formats/safetensors.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  fuzz::refuses_only_as(ErrorKind::data, [&] {
    static fuzz::MemoryFile memory;
    memory.write(fuzz::text_of(data, size));
    const SafetensorsFile file(memory.path());
    std::size_t total = 0;
    for (const SafetensorsEntry& entry : file.entries()) {
      std::uint64_t wanted = safetensors_item_size(entry.dtype);
      for (const std::int64_t dimension : entry.shape) wanted *= static_cast<std::uint64_t>(dimension);
      fuzz::require(entry.bytes.size() == wanted, "a tensor that is not its shape's size");
      fuzz::require(&file.at(entry.name) == &entry, "a tensor that is not found by its name");
      total += entry.bytes.size();
    }
    fuzz::require(total <= size, "more data than the file has");
  });
  return 0;
}
