// CIFAR's binary versions. The first byte chooses which, the rest is a script of the archive's files.
#include "memory_file.hpp"
#include "read_source.hpp"
#include "scripted_files.hpp"
#include "scripted_names.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  if (size == 0) return 0;
  static fuzz::MemoryFile archive;
  archive.write(fuzz::tar_of(fuzz::scripted_files(fuzz::text_of(data + 1, size - 1), fuzz::cifar_files)));
  SourceRequest request{archive.path(), {}, {}};
  if ((data[0] & 4) != 0) request.splits = {"test"};
  request.options.coarse = (data[0] & 2) != 0;
  fuzz::read_source((data[0] & 1) != 0 ? "cifar100" : "cifar10", request);
  return 0;
}
