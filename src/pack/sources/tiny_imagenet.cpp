#include "smlp/pack/sources/tiny_imagenet.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <unordered_map>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/formats/archive.hpp"

namespace smlp {
namespace {

enum class Role { none, train_image, test_image, annotations, wnids };

struct Place {
  Role role = Role::none;
  std::string wnid;  // of a training image
  std::string file;
};

Place place_of(const std::string& path) {
  std::vector<std::string_view> parts = path_parts(path);
  if (parts.empty() || is_hidden(parts)) return {};
  if (parts.size() > 1 && parts[0] != "train" && parts[0] != "val" && parts[0] != "test")
    parts.erase(parts.begin());
  if (parts.size() == 1 && parts[0] == "wnids.txt") return {Role::wnids, "", ""};
  if (parts.size() == 2 && parts[0] == "val" && parts[1] == "val_annotations.txt")
    return {Role::annotations, "", ""};
  if (parts.size() == 3 && parts[0] == "val" && parts[1] == "images")
    return {Role::test_image, "", std::string(parts[2])};
  if (parts.size() == 4 && parts[0] == "train" && parts[2] == "images")
    return {Role::train_image, std::string(parts[1]), std::string(parts[3])};
  return {};
}

class TinyImageNetReading {
 public:
  TinyImageNetReading(const SourceRequest& request, const SampleSink& sink)
      : request_(request), sink_(sink) {}

  // The lists may lie behind the images that need them: they are read first.
  SourceResult read() {
    read_archive(
        request_.from, [&](const std::string& path) { return is_list(path); },
        [&](ArchiveEntry& entry) { read_list(entry); });
    check_class_lists();
    const std::vector<std::string> listed = listed_classes(request_);
    wanted_ = listed.empty() ? known_ : std::set<std::string>(listed.begin(), listed.end());
    read_archive(
        request_.from, [&](const std::string& path) { return wanted(path); },
        [&](ArchiveEntry& entry) { visit(entry); });
    if (!labels_.has("train") && !labels_.has("test"))
      fail(ErrorKind::data,
           "{}: no images in train/WNID/images/ or val/images/; expected Tiny-ImageNet-200 as distributed",
           request_.from.string());
    return labels_.finish(listed.empty() ? std::vector<std::string>(known_.begin(), known_.end()) : listed,
                          skipped_);
  }

 private:
  bool is_list(const std::string& path) {
    if (path.ends_with('/')) return !is_hidden(path_parts(path));
    const Place place = place_of(path);
    if (place.role == Role::train_image) train_classes_.insert(place.wnid);
    return place.role == Role::wnids || place.role == Role::annotations;
  }

  void read_list(ArchiveEntry& entry) {
    const std::vector<std::string> lines = entry.lines();
    if (place_of(entry.path()).role == Role::wnids) {
      check_class_names(lines, entry.where());
      known_.insert(lines.begin(), lines.end());
      return;
    }
    for (const std::string& line : lines) {
      std::istringstream columns(line);
      std::string file, wnid;
      if (columns >> file >> wnid) annotations_[file] = wnid;
    }
  }

  bool wanted(const std::string& path) {
    if (path.ends_with('/')) return !is_hidden(path_parts(path));
    const Place place = place_of(path);
    if (place.role == Role::train_image) return request_.wants("train") && wanted_.contains(place.wnid);
    if (place.role == Role::test_image)
      return request_.wants("test") && wanted_.contains(class_of(place.file));
    skipped_ += place.role == Role::none ? 1 : 0;
    return false;
  }

  void visit(ArchiveEntry& entry) {
    const Place place = place_of(entry.path());
    const bool train = place.role == Role::train_image;
    labels_.add(train ? "train" : "test", train ? place.wnid : class_of(place.file));
    sink_({train ? "train" : "test", entry.path(), entry.bytes(), {}});
  }

  const std::string& class_of(const std::string& file) const {
    const std::string from = request_.from.string();
    const auto found = annotations_.find(file);
    if (found == annotations_.end())
      fail(ErrorKind::data, "{}: val/val_annotations.txt has no line for {}", from, printable(file));
    if (!known_.contains(found->second))
      fail(ErrorKind::data, "{}: val/val_annotations.txt gives {} the class {}, which the data set has not",
           from, printable(file), printable(found->second));
    return found->second;
  }

  void check_class_lists() {
    const std::string from = request_.from.string();
    if (known_.empty()) known_ = train_classes_;
    if (known_.empty())
      fail(ErrorKind::data, "{}: neither wnids.txt nor train/ says which classes there are", from);
    if (train_classes_.empty()) return;
    std::vector<std::string> odd;
    std::ranges::set_symmetric_difference(known_, train_classes_, std::back_inserter(odd));
    if (!odd.empty())
      fail(ErrorKind::data, "{}: class {} is {}", from, odd[0],
           train_classes_.contains(odd[0]) ? "a folder of train/ but not in wnids.txt"
                                           : "in wnids.txt but has no folder in train/");
  }

  const SourceRequest& request_;
  const SampleSink& sink_;
  std::set<std::string> train_classes_, known_, wanted_;
  std::unordered_map<std::string, std::string> annotations_;  // a test image's file → its class
  NamedLabels labels_;
  std::int64_t skipped_ = 0;
};

}  // namespace

SourceResult read_tiny_imagenet(const SourceRequest& request, const SampleSink& sink) {
  return TinyImageNetReading(request, sink).read();
}

}  // namespace smlp
