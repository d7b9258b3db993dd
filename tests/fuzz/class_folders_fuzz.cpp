// Sources of class folders and class archives. The first byte chooses one, the rest is a script of the
// archive's files; those after a .tar lie in it, up to the next one.
#include "memory_file.hpp"
#include "read_source.hpp"
#include "scripted_files.hpp"
#include "scripted_names.hpp"

namespace {

smlp::fuzz::Files with_inner_archives(const smlp::fuzz::Files& flat) {
  smlp::fuzz::Files files;
  for (std::size_t i = 0; i < flat.size(); ++i) {
    files.push_back(flat[i]);
    if (!flat[i].first.ends_with(".tar") || !flat[i].second.empty()) continue;
    smlp::fuzz::Files inner;
    while (i + 1 < flat.size() && !flat[i + 1].first.ends_with(".tar")) inner.push_back(flat[++i]);
    files.back().second = smlp::fuzz::tar_of(inner);
  }
  return files;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  if (size == 0) return 0;
  static fuzz::MemoryFile archive, list, classes;
  classes.write("n00000002\nn00000001\n");
  const std::span<const std::string_view> names =
      (data[0] & 32) != 0 ? std::span<const std::string_view>(fuzz::split_folder_files)
                          : fuzz::class_folder_files;
  const auto flat = fuzz::scripted_files(fuzz::text_of(data + 1, size - 1), names);
  archive.write(fuzz::tar_of(with_inner_archives(flat)));
  list.write("n00000001\nn00000002\nn00000001\n");
  SourceRequest request{archive.path(), {}, {}};
  if ((data[0] & 4) != 0) request.splits = {"val"};
  if ((data[0] & 8) != 0) request.options.min_images = 2;
  if ((data[0] & 16) != 0) request.options.holdout = 1;
  request.options.labels = list.path();
  if ((data[0] & 64) != 0) request.options.classes = classes.path();
  const char* const sources[] = {"folder", "tiny-imagenet", "imagenet", "imagenet21k"};
  fuzz::read_source(sources[data[0] & 3], request);
  return 0;
}
