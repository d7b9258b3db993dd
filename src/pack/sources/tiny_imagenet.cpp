#include "smlp/pack/sources/tiny_imagenet.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <unordered_map>

#include "smlp/core/error.hpp"
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
  if (parts[0] == "tiny-imagenet-200") parts.erase(parts.begin());
  if (parts.size() == 1 && parts[0] == "wnids.txt") return {Role::wnids, "", ""};
  if (parts.size() == 2 && parts[0] == "val" && parts[1] == "val_annotations.txt")
    return {Role::annotations, "", ""};
  if (parts.size() == 3 && parts[0] == "val" && parts[1] == "images")
    return {Role::test_image, "", std::string(parts[2])};
  if (parts.size() == 4 && parts[0] == "train" && parts[2] == "images")
    return {Role::train_image, std::string(parts[1]), std::string(parts[3])};
  return {};
}

class Reading {
 public:
  Reading(const SourceRequest& request, const SampleSink& sink) : request_(request), sink_(sink) {}

  bool wanted(const std::string& path) {
    if (path.ends_with('/')) return false;
    const Place place = place_of(path);
    if (place.role == Role::train_image) train_classes_.insert(place.wnid);
    switch (place.role) {
      case Role::train_image:
        return request_.wants("train");
      case Role::test_image:
      case Role::annotations:
        return request_.wants("test");
      case Role::wnids:
        return true;
      case Role::none:
        ++skipped_;
        return false;
    }
    return false;
  }

  void visit(ArchiveEntry& entry) {
    const Place place = place_of(entry.path());
    if (place.role == Role::wnids) {
      const std::vector<std::string> wnids = entry.lines();
      check_class_names(wnids, entry.where());
      listed_classes_.insert(wnids.begin(), wnids.end());
    } else if (place.role == Role::annotations) {
      for (const std::string& line : entry.lines()) {
        std::istringstream columns(line);
        std::string file, wnid;
        if (columns >> file >> wnid) annotations_[file] = wnid;
      }
    } else {
      const bool train = place.role == Role::train_image;
      (train ? train_keys_ : test_keys_).push_back(train ? place.wnid : place.file);
      sink_({train ? "train" : "test", entry.path(), entry.bytes(), {}});
    }
  }

  SourceResult finish() {
    const std::string from = request_.from.string();
    if (train_keys_.empty() && test_keys_.empty())
      fail(ErrorKind::data,
           "{}: no images in train/WNID/images/ or val/images/; expected Tiny-ImageNet-200 as distributed",
           from);
    check_class_lists(from);
    const std::set<std::string>& classes = listed_classes_.empty() ? train_classes_ : listed_classes_;
    SourceResult result{{classes.begin(), classes.end()}, {}, skipped_};
    std::unordered_map<std::string, std::int64_t> label_of;
    for (const std::string& each : result.classes) label_of.emplace(each, label_of.size());
    for (const std::string& wnid : train_keys_) result.labels["train"].push_back(label_of.at(wnid));
    for (const std::string& file : test_keys_) {
      const auto found = annotations_.find(file);
      if (found == annotations_.end())
        fail(ErrorKind::data, "{}: val/val_annotations.txt has no line for {}", from, file);
      const auto label = label_of.find(found->second);
      if (label == label_of.end())
        fail(ErrorKind::data, "{}: val/val_annotations.txt gives {} the class {}, which the data set has not",
             from, file, found->second);
      result.labels["test"].push_back(label->second);
    }
    return result;
  }

 private:
  void check_class_lists(const std::string& from) const {
    if (listed_classes_.empty() || train_classes_.empty()) {
      if (listed_classes_.empty() && train_classes_.empty())
        fail(ErrorKind::data, "{}: neither wnids.txt nor train/ says which classes there are", from);
      return;
    }
    std::vector<std::string> odd;
    std::set_symmetric_difference(listed_classes_.begin(), listed_classes_.end(), train_classes_.begin(),
                                  train_classes_.end(), std::back_inserter(odd));
    if (!odd.empty())
      fail(ErrorKind::data, "{}: class {} is {}", from, odd[0],
           train_classes_.contains(odd[0]) ? "a folder of train/ but not in wnids.txt"
                                           : "in wnids.txt but has no folder in train/");
  }

  const SourceRequest& request_;
  const SampleSink& sink_;
  std::set<std::string> train_classes_, listed_classes_;
  std::vector<std::string> train_keys_, test_keys_;  // a training image's wnid, a test image's file
  std::unordered_map<std::string, std::string> annotations_;
  std::int64_t skipped_ = 0;
};

}  // namespace

SourceResult read_tiny_imagenet(const SourceRequest& request, const SampleSink& sink) {
  Reading reading(request, sink);
  read_archive(
      request.from, [&](const std::string& path) { return reading.wanted(path); },
      [&](ArchiveEntry& entry) { reading.visit(entry); });
  return reading.finish();
}

}  // namespace smlp
