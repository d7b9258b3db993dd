// ImageNet's validation labels: a list, or a development kit whose ground truth has as many bytes as the
// first two say and whose meta.mat is the rest.
#include <set>

#include "memory_file.hpp"
#include "scripted_files.hpp"
#include "smlp/pack/sources/imagenet_labels.hpp"
#include "support/temp_dir.hpp"

namespace {

struct Kit {  // a development kit is known by its file's ending
  Kit() { std::filesystem::create_symlink(file.path(), folder / "kit.tar"); }
  smlp::testing::TempDir folder;
  smlp::fuzz::MemoryFile file;
};

void read(const std::filesystem::path& path) {
  using namespace smlp;
  fuzz::refuses_only_as(ErrorKind::data, [&] {
    const ValidationLabels labels = read_validation_labels(path);
    fuzz::require(std::set(labels.classes.begin(), labels.classes.end()).size() == labels.classes.size(),
                  "two classes of one name");
    for (const auto& [number, wnid] : labels.wnids)
      fuzz::require(number > 0 && std::binary_search(labels.classes.begin(), labels.classes.end(), wnid),
                    "a label that is no class");
  });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  static Kit kit;
  kit.file.write(fuzz::text_of(data, size));
  read(kit.file.path());
  if (size < 2) return 0;
  const std::string rest(fuzz::text_of(data + 2, size - 2));
  const std::size_t truth = std::min<std::size_t>(data[0] | data[1] << 8, rest.size());
  kit.file.write(fuzz::tar_of({{"kit/data/ILSVRC2012_validation_ground_truth.txt", rest.substr(0, truth)},
                               {"kit/data/meta.mat", rest.substr(truth)}}));
  read(kit.folder / "kit.tar");
  return 0;
}
