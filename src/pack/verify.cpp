#include "smlp/pack/verify.hpp"

#include <algorithm>
#include <string_view>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/data/real_labels.hpp"
#include "smlp/data/split_names.hpp"

namespace smlp {
namespace {

struct OpenSplit {
  fs::path folder;
  std::shared_ptr<const Dataset> data;
};

void stop_when_told() {
  if (stop_signal() != 0) throw Interrupted("stopped by a signal; not all was verified");
}

// A folder that is called like a split and holds none was damaged or half copied.
void refuse_half_splits(const PackPlace& place) {
  if (place.splits.front() == place.root) return;
  for (const char* name : split_names) {
    const fs::path folder = place.root / name;
    if (fs::is_directory(folder) && std::ranges::find(place.splits, folder) == place.splits.end())
      fail(ErrorKind::data, "{}: missing; pack the data again", (folder / "dataset.json").string());
  }
}

void check_class_lists(const std::vector<OpenSplit>& splits) {
  const Dataset* first = nullptr;
  for (const OpenSplit& split : splits) {
    if (split_name(split.folder) == "unlabeled" && split.data->classes() == 0) continue;
    if (first == nullptr) first = split.data.get();
    check_same_classes({first->info().classes, first->description()},
                       {split.data->info().classes, split.data->description()});
  }
}

void check_names(const fs::path& file, std::int64_t images) {
  const MappedFile mapped(file);
  const std::span<const std::byte> bytes = mapped.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::int64_t lines = 0;
  for (std::size_t start = 0; start < text.size(); ++lines) {
    const std::size_t end = text.find('\n', start);
    const std::string_view name = text.substr(start, end - start);
    if (end == std::string_view::npos)
      fail(ErrorKind::data, "{}: line {}, the last, is cut off", file.string(), lines + 1);
    if (name.empty()) fail(ErrorKind::data, "{}: line {} is empty", file.string(), lines + 1);
    if (!is_utf8(name))
      fail(ErrorKind::data, "{}: line {} is not UTF-8: {}", file.string(), lines + 1, printable(name));
    start = end + 1;
  }
  if (lines != images)
    fail(ErrorKind::data, "{}: {} names for {} images; pack the data again", file.string(), lines, images);
}

bool check_real_labels(const OpenSplit& split) {
  const fs::path file = split.folder / "real_labels.json";
  if (!fs::exists(fs::symlink_status(file))) return false;
  read_real_labels(file, split.data->size(), split.data->classes());
  return true;
}

std::uint64_t image_bytes(const Dataset& data) {
  const auto side = static_cast<std::uint64_t>(data.image_size());
  return static_cast<std::uint64_t>(data.size()) * side * side * 3;
}

}  // namespace

VerifyReport verify_pack(const std::string& root, const VerifyProgress& progress) {
  const PackPlace place = find_pack(root);
  if (place.splits.empty())
    fail(ErrorKind::data,
         "{}: no packed data set: no dataset.json in it, nor in train, test, val or unlabeled below it",
         root);
  refuse_half_splits(place);
  VerifyReport report;
  report.unfinished = fs::exists(place.root / ".packing");
  std::vector<OpenSplit> splits;
  std::uint64_t total = 0, done = 0;
  for (const fs::path& folder : place.splits) {
    splits.push_back({folder, Dataset::open(folder)});
    total += image_bytes(*splits.back().data);
  }
  check_class_lists(splits);
  for (const OpenSplit& split : splits) {  // what is quick, before the hours that hashing may take
    stop_when_told();
    const Dataset& data = *split.data;
    check_names(split.folder / "names.txt", data.size());
    report.splits.push_back({split_name(split.folder), data.size(), data.classes(), image_bytes(data),
                             !data.info().labels_hash.empty(), check_real_labels(split)});
  }
  for (const OpenSplit& split : splits) {
    split.data->verify([&](std::uint64_t bytes) {
      stop_when_told();
      if (progress) progress(done + bytes, total);
    });
    done += image_bytes(*split.data);
  }
  return report;
}

}  // namespace smlp
