// A WebDataset shard, as a script of its files.
#include "memory_file.hpp"
#include "read_source.hpp"
#include "scripted_files.hpp"
#include "scripted_names.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  static fuzz::MemoryFile shard, classes;
  shard.write(fuzz::tar_of(fuzz::scripted_files(fuzz::text_of(data, size), fuzz::webdataset_files)));
  classes.write("a\nb\nc\nd\n");  // without it, one label makes up to ten million class names
  SourceRequest request{shard.path(), {}, {}};
  request.options.classes = classes.path();
  fuzz::read_source("webdataset", request);
  return 0;
}
