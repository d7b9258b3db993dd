#include "smlp/pack/sources/stl10.hpp"

#include <set>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/formats/archive.hpp"

namespace smlp {
namespace {

constexpr int side = 96;
constexpr std::size_t plane = side * side;
constexpr std::size_t class_count = 10;
constexpr std::int64_t label_limit = 1'000'000;  // they are held before it is known how many images there are
constexpr std::string_view names_file = "class_names.txt";
constexpr std::pair<std::string_view, std::int64_t> published[] = {
    {"train", 5'000}, {"test", 8'000}, {"unlabeled", 100'000}};  // images
constexpr std::string_view images_end = "_X.bin", labels_end = "_y.bin";

Image transpose(const std::byte* planes) {
  Image image{side, side, std::vector<std::uint8_t>(3 * plane)};
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        image.pixels[(y * side + x) * 3 + c] =
            std::to_integer<std::uint8_t>(planes[c * plane + x * side + y]);
  return image;
}

class Stl10Reading {
 public:
  Stl10Reading(const SourceRequest& request, const SampleSink& sink) : request_(request), sink_(sink) {}

  SourceResult read() {
    read_archive(
        request_.from, [&](const std::string& path) { return wanted(path); },
        [&](ArchiveEntry& entry) { visit(entry); });
    if (!listed_.empty()) result_.classes = listed_;
    check();
    for (const auto& [split, images] : published)
      if (const auto found = images_.find(std::string(split));
          found != images_.end() && found->second != images)
        result_.warnings.push_back(fmt::format("{}: {}{} has {} images, STL-10's has {}",
                                               request_.from.string(), split, images_end, found->second,
                                               images));
    return std::move(result_);
  }

 private:
  static std::string split_of(const std::string& file) {
    for (const char* split : {"train", "test"})
      for (const std::string_view end : {images_end, labels_end})
        if (file == split + std::string(end)) return split;
    return file == "unlabeled_X.bin" ? "unlabeled" : "";
  }

  bool wanted(const std::string& path) {
    if (path.ends_with('/')) return may_hold_top_files(path);
    const std::string file = top_file_name(path), split = split_of(file);
    if ((listed_.empty() && file == names_file) || (!split.empty() && request_.wants(split))) return true;
    ++result_.skipped;
    return false;
  }

  void visit(ArchiveEntry& entry) {
    const std::string file = top_file_name(entry.path()), split = split_of(file);
    if (!seen_.insert(file).second)
      fail(ErrorKind::data, "{}: the archive has two files of this name", entry.where());
    if (file == names_file)
      read_names(entry);
    else if (file.ends_with(labels_end))
      read_labels(entry, split);
    else
      read_images(entry, split, file);
  }

  void read_names(ArchiveEntry& entry) {
    result_.classes = entry.lines();
    check_class_names(result_.classes, entry.where());
  }

  void read_labels(ArchiveEntry& entry, const std::string& split) {
    std::vector<std::int64_t>& labels = result_.labels[split];
    entry.records(1, [&](std::span<const std::byte> record, std::int64_t i) {
      const auto label = std::to_integer<std::size_t>(record[0]);
      if (label < 1 || label > class_count)
        fail(ErrorKind::data, "{}: label {} in record {} (byte {}), expected 1 to {}", entry.where(), label,
             i, i, class_count);
      if (i == label_limit)
        fail(ErrorKind::data, "{}: over {} labels, too many for STL-10", entry.where(), label_limit);
      labels.push_back(static_cast<std::int64_t>(label) - 1);
    });
  }

  void read_images(ArchiveEntry& entry, const std::string& split, const std::string& file) {
    entry.records(3 * plane, [&](std::span<const std::byte> record, std::int64_t i) {
      images_[split] = i + 1;
      if (split == "unlabeled") result_.labels[split].push_back(-1);
      sink_({split, fmt::format("{}:{}", file, i), {}, transpose(record.data())});
    });
  }

  void check() const {
    const std::string from = request_.from.string();
    if (result_.labels.empty() && images_.empty())
      fail(ErrorKind::data,
           "{}: holds none of train_X.bin, test_X.bin and unlabeled_X.bin that were asked for; expected "
           "STL-10's binary version",
           from);
    for (const char* split : {"train", "test"}) check_pair(split, from);
    if (asked_for("unlabeled") && !images_.contains("unlabeled"))
      fail(ErrorKind::data, "{}: unlabeled_X.bin is missing", from);
    if (listed_.empty() && !seen_.contains(std::string(names_file)))
      fail(ErrorKind::data, "{}: {} is missing; --classes can name a list of the classes", from, names_file);
    if (result_.classes.size() != class_count)
      fail(ErrorKind::data, "{}: {} lists {} classes, expected {}", from,
           listed_.empty() ? std::string(names_file) : request_.options.classes.string(),
           result_.classes.size(), class_count);
  }

  bool asked_for(std::string_view split) const { return !request_.splits.empty() && request_.wants(split); }

  void check_pair(const std::string& split, const std::string& from) const {
    const auto images = images_.find(split);
    const auto labels = result_.labels.find(split);
    if (images == images_.end() && labels == result_.labels.end() && !asked_for(split)) return;
    if (images == images_.end()) fail(ErrorKind::data, "{}: {}{} is missing", from, split, images_end);
    if (labels == result_.labels.end()) fail(ErrorKind::data, "{}: {}{} is missing", from, split, labels_end);
    if (images->second != std::ssize(labels->second))
      fail(ErrorKind::data, "{}: {}{} has {} images, {}{} {} labels", from, split, images_end, images->second,
           split, labels_end, labels->second.size());
  }

  const SourceRequest& request_;
  const SampleSink& sink_;
  const std::vector<std::string> listed_ = listed_classes(request_);
  SourceResult result_;
  std::map<std::string, std::int64_t> images_;  // by split
  std::set<std::string> seen_;
};

}  // namespace

SourceResult read_stl10(const SourceRequest& request, const SampleSink& sink) {
  return Stl10Reading(request, sink).read();
}

}  // namespace smlp
