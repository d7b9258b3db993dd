// A user's arrays: labels.npy, whose size the first two bytes say, and images.npy, the rest.
#include "memory_file.hpp"
#include "read_source.hpp"
#include "support/temp_dir.hpp"

namespace {

// A folder whose two files are in memory.
struct Folder {
  Folder() {
    std::filesystem::create_symlink(labels.path(), folder / "labels.npy");
    std::filesystem::create_symlink(images.path(), folder / "images.npy");
    list.write("a\nb\nc\nd\n");
  }
  smlp::testing::TempDir folder;
  smlp::fuzz::MemoryFile labels, images, list;
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  if (size < 2) return 0;
  static Folder files;
  const std::string_view rest = fuzz::text_of(data + 2, size - 2);
  const std::size_t labels = std::min<std::size_t>(data[0] | data[1] << 8, rest.size());
  files.labels.write(rest.substr(0, labels));
  files.images.write(rest.substr(labels));
  SourceRequest request{files.folder.path(), {}, {}};
  request.options.classes = files.list.path();
  fuzz::read_source("npy", request);
  return 0;
}
