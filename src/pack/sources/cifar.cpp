#include "smlp/pack/sources/cifar.hpp"

#include <algorithm>
#include <set>

#include "smlp/core/error.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/formats/archive.hpp"

namespace smlp {
namespace {

constexpr int side = 32;
constexpr std::size_t plane = side * side;

struct Layout {
  const char* title;
  std::vector<std::string> train_files;
  std::string test_file, names_file;
  std::size_t classes;
  std::size_t label_bytes;                   // before a record's pixels
  std::size_t label_at;                      // which of them counts
  std::int64_t train_records, test_records;  // of a file, as published
};

Image interleave(const std::byte* planar) {
  Image image{side, side, std::vector<std::uint8_t>(3 * plane)};
  for (std::size_t i = 0; i < plane; ++i)
    for (std::size_t c = 0; c < 3; ++c)
      image.pixels[3 * i + c] = std::to_integer<std::uint8_t>(planar[c * plane + i]);
  return image;
}

class CifarReading {
 public:
  CifarReading(const Layout& layout, const SourceRequest& request, const SampleSink& sink)
      : layout_(layout), request_(request), sink_(sink) {}

  SourceResult read() {
    read_archive(
        request_.from,
        [&](const std::string& path) {
          if (path.ends_with('/')) return may_hold_top_files(path);
          const std::string file = top_file_name(path), split = split_of(file);
          return (listed_.empty() && file == layout_.names_file) || (!split.empty() && request_.wants(split));
        },
        [&](ArchiveEntry& entry) { visit(entry); });
    if (!listed_.empty()) result_.classes = listed_;
    check();
    return std::move(result_);
  }

 private:
  std::string split_of(const std::string& file) const {
    if (file == layout_.test_file) return "test";
    const auto& train = layout_.train_files;
    return std::find(train.begin(), train.end(), file) != train.end() ? "train" : "";
  }

  void visit(ArchiveEntry& entry) {
    const std::string file = top_file_name(entry.path()), split = split_of(file);
    if (!seen_.insert(file).second)
      fail(ErrorKind::data, "{}: the archive has two files of this name", entry.where());
    if (file == layout_.names_file) {
      result_.classes = entry.lines();
      check_class_names(result_.classes, entry.where());
      return;
    }
    std::vector<std::int64_t>& labels = result_.labels[split];
    const std::int64_t before = std::ssize(labels);
    const std::size_t record_bytes = layout_.label_bytes + 3 * plane;
    entry.records(record_bytes, [&](std::span<const std::byte> record, std::int64_t i) {
      const auto label = std::to_integer<std::size_t>(record[layout_.label_at]);
      if (label >= layout_.classes)
        fail(ErrorKind::data, "{}: label {} in record {} (byte {}), expected 0 to {}", entry.where(), label,
             i, static_cast<std::size_t>(i) * record_bytes + layout_.label_at, layout_.classes - 1);
      labels.push_back(static_cast<std::int64_t>(label));
      sink_({split, fmt::format("{}:{}", file, i), {}, interleave(&record[layout_.label_bytes])});
    });
    const std::int64_t published = split == "test" ? layout_.test_records : layout_.train_records;
    if (const std::int64_t found = std::ssize(labels) - before; found != published)
      result_.warnings.push_back(
          fmt::format("{}: {} images, {}'s has {}", entry.where(), found, layout_.title, published));
  }

  void check() const {
    const std::string from = request_.from.string();
    if (result_.labels.empty())
      fail(ErrorKind::data, "{}: holds none of {} and {}; expected {}'s binary version", from,
           fmt::join(layout_.train_files, ", "), layout_.test_file, layout_.title);
    if (result_.labels.contains("train"))
      for (const std::string& each : layout_.train_files)
        if (!seen_.contains(each)) fail(ErrorKind::data, "{}: {} is missing", from, each);
    const std::string names_file = listed_.empty() ? layout_.names_file : request_.options.classes.string();
    if (result_.classes.empty())
      fail(ErrorKind::data, "{}: {} is missing or empty; --classes can name a list of the classes", from,
           names_file);
    if (result_.classes.size() != layout_.classes)
      fail(ErrorKind::data, "{}: {} lists {} classes, expected {}", from, names_file, result_.classes.size(),
           layout_.classes);
  }

  const Layout& layout_;
  const SourceRequest& request_;
  const SampleSink& sink_;
  const std::vector<std::string> listed_ = listed_classes(request_);
  SourceResult result_;
  std::set<std::string> seen_;
};

}  // namespace

SourceResult read_cifar10(const SourceRequest& request, const SampleSink& sink) {
  const Layout layout{
      "CIFAR-10",
      {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
      "test_batch.bin",
      "batches.meta.txt",
      10,
      1,
      0,
      10'000,
      10'000};
  return CifarReading(layout, request, sink).read();
}

SourceResult read_cifar100(const SourceRequest& request, const SampleSink& sink) {
  const bool coarse = request.options.coarse;
  const Layout layout{"CIFAR-100",
                      {"train.bin"},
                      "test.bin",
                      coarse ? "coarse_label_names.txt" : "fine_label_names.txt",
                      coarse ? std::size_t{20} : std::size_t{100},
                      2,
                      coarse ? std::size_t{0} : std::size_t{1},
                      50'000,
                      10'000};
  return CifarReading(layout, request, sink).read();
}

}  // namespace smlp
