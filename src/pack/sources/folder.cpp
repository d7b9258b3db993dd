#include "smlp/pack/sources/folder.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/data/split_names.hpp"
#include "smlp/formats/archive.hpp"
#include "smlp/formats/decode.hpp"
#include "smlp/pack/sources/class_images.hpp"
#include "smlp/pack/sources/folder_layout.hpp"

namespace smlp {
namespace {

constexpr const char* expected = "; expected CLASS/… or train/CLASS/… and test/CLASS/… (or val/CLASS/…)";

class FolderReading {
 public:
  FolderReading(const SourceRequest& request, const SampleSink& sink)
      : request_(request),
        sink_(sink),
        from_(request.from.string()),
        listed_(listed_classes(request)),
        list_(folder_lister(request.from)),
        layout_(find_layout(request.from, list_, listed_)) {
    choose_splits();
    choose_classes();
  }

  SourceResult read() {
    read_archive(
        request_.from, [&](const std::string& path) { return wanted(path); },
        [&](ArchiveEntry& entry) { visit(entry); });
    finish_held();
    check();
    SourceResult result = labels_.finish(classes_, skipped_ + passed_over_.count());
    result.warnings = passed_over_.warnings();
    if (!holds_folders_.empty())
      result.warnings.push_back(fmt::format(
          "{}{}: taken as one class with all that lies below", holds_folders_.front(),
          holds_folders_.size() == 1 ? "" : fmt::format(", and {} more such", holds_folders_.size() - 1)));
    for (const std::string& each : layout_.others)
      result.warnings.push_back(
          fmt::format("{}: not packed: it is no split, or has no class folders", layout_.root + each));
    return result;
  }

 private:
  struct Place {
    std::string split, class_name;  // the class is empty above class folders
  };

  void choose_splits() {
    const auto& splits = layout_.splits;
    if (splits.empty() && (request_.splits.size() > 1 || request_.wants_only("unlabeled")))
      fail(ErrorKind::data, "{}: has no train/ and test/ folders; name --split train or test for all of it",
           from_);
    if (request_.options.holdout > 0 && (splits.size() > 1 || (!splits.empty() && !splits.contains("train"))))
      fail(ErrorKind::data, "{}: --holdout makes a test split of training images, and there is {}/ already",
           from_, splits.begin()->second);
    const bool both = splits.contains("test") && splits.contains("val");
    if (both && request_.wants_folder("test") && request_.wants_folder("val"))
      fail(ErrorKind::data, "{}: has both {}/ and {}/; choose one with --split test or --split val", from_,
           splits.at("test"), splits.at("val"));
    for (const auto& [split, folder] : splits)
      if (both ? request_.wants_folder(split) : request_.wants(packed_split(split))) chosen_[folder] = split;
    for (const std::string& each : request_.splits)
      if (!splits.empty() && !chooses(each))
        fail(ErrorKind::data, "{}: no images in {}/{}", from_, each, expected);
  }

  bool chooses(const std::string& split) const {
    return std::ranges::any_of(
        chosen_, [&](const auto& each) { return packed_split(each.second) == packed_split(split); });
  }

  std::string folder_of(const std::string& split) const {
    return split.empty() ? layout_.root : layout_.root + layout_.splits.at(split) + "/";
  }

  // The class folders of the training split, also when it is not packed, so that both splits have one list.
  void choose_classes() {
    const bool train = layout_.splits.contains("train");
    std::set<std::string> names;
    if (layout_.splits.empty() || train) names = list_(folder_of(train ? "train" : "")).folders;
    for (const auto& [folder, split] : chosen_) {
      if (split == "train") continue;
      for (const std::string& name : list_(folder_of(split)).folders)
        if (!train)
          names.insert(name);
        else if (listed_.empty() && !names.contains(name) && holds_anything(folder_of(split) + name + "/"))
          fail(ErrorKind::data,
               "{}: {}/ has the class folder {}, which {}/ has not; move it away, or name the classes to "
               "pack with "
               "--classes",
               from_, folder, name, layout_.splits.at("train"));
    }
    classes_ = listed_.empty() ? class_order({names.begin(), names.end()}) : listed_;
    wanted_ = {classes_.begin(), classes_.end()};
    if (listed_.empty())
      for (const auto& [folder, split] : folders_with_classes()) check_levels(folder, split);
  }

  // Folder, and what packs it by itself.
  std::vector<std::pair<std::string, std::string>> folders_with_classes() const {
    if (layout_.splits.empty()) return {{layout_.root, ""}};
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& [folder, split] : chosen_)
      all.emplace_back(layout_.root + folder + "/", " --split " + packed_split(split));
    return all;
  }

  // What is called a class is one: it holds no splits, and is not the only folder around the real classes.
  void check_levels(const std::string& folder, const std::string& split) {
    const std::set<std::string> names = list_(folder).folders;
    for (const std::string& name : names) {
      const FolderContent content = list_(folder + name + "/");
      if (content.images || content.folders.size() < 2) continue;
      const std::string inside = fmt::format("{}{}/ holds only folders: {}", folder, name,
                                             fmt::join(first_few(content.folders), ", "));
      if (says_splits(content.folders))
        fail(ErrorKind::data,
             "{}: {}; splits are looked for outside the classes{}, which may be links: train/CLASS to "
             "CLASS/train",
             from_, inside, expected);
      if (names.size() == 1)
        fail(ErrorKind::data, "{}: {}; if these are the classes, pack them with --from {}{}", from_, inside,
             (request_.from / folder / name).string(), split);
      holds_folders_.push_back(inside);
    }
  }

  static std::vector<std::string> first_few(const std::set<std::string>& names) {
    std::vector<std::string> few;
    for (const std::string& name : names) few.push_back(few.size() == 3 ? "…" : name);
    few.resize(std::min<std::size_t>(few.size(), 4));
    return few;
  }

  static bool says_splits(const std::set<std::string>& names) {
    const auto says = [&](const char* split) {
      return std::ranges::any_of(names,
                                 [&](const std::string& name) { return split_of_word(name) == split; });
    };
    return says("train") && (says("test") || says("val"));
  }

  bool holds_anything(const std::string& folder) const {
    const FolderContent content = list_(folder);
    return content.images || !content.folders.empty();
  }

  // Nothing for what lies outside the splits that are packed.
  std::optional<Place> place_of(const std::string& path) const {
    if (!path.starts_with(layout_.root)) return std::nullopt;
    std::vector<std::string_view> parts = path_parts(std::string_view(path).substr(layout_.root.size()));
    if (!path.ends_with('/')) parts.pop_back();
    Place place{request_.splits.empty() ? "train" : request_.splits[0], ""};
    if (!layout_.splits.empty()) {
      const auto chosen = std::ranges::find_if(
          chosen_, [&](const auto& each) { return path.starts_with(layout_.root + each.first + "/"); });
      if (chosen == chosen_.end()) return std::nullopt;
      place.split = chosen->second;
      parts.erase(parts.begin(), parts.begin() + std::ssize(path_parts(chosen->first)));
    }
    place.split = packed_split(place.split);
    if (!parts.empty()) place.class_name = parts[0];
    return place;
  }

  bool is_above_classes(const std::string& folder) const {
    return layout_.root.starts_with(folder) || std::ranges::any_of(chosen_, [&](const auto& each) {
             return (layout_.root + each.first + "/").starts_with(folder);
           });
  }

  bool wanted(const std::string& path) {
    const bool folder = path.ends_with('/');
    if (folder && is_above_classes(path)) return true;
    const bool hidden = is_hidden(path_parts(path));
    const std::optional<Place> place = hidden ? std::nullopt : place_of(path);
    const bool wants_class = place && wanted_.contains(place->class_name);
    if (folder) return place && (place->class_name.empty() || wants_class);
    if (place && place->class_name.empty())
      passed_over_.add("outside the class folders", path);
    else if (!wants_class)
      ++skipped_;
    return wants_class;
  }

  void visit(ArchiveEntry& entry) {
    const Place place = *place_of(entry.path());
    std::vector<std::byte> bytes(image_kind_bytes);
    bytes.resize(entry.read(bytes));
    if (image_kind(bytes) == ImageKind::none && !named_like_an_image(entry.path())) {
      passed_over_.add(fmt::format("{} of {}", place.class_name, place.split), entry.path());
      return;
    }
    const std::vector<std::byte> rest = entry.bytes();
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    met_[place.split].insert(place.class_name);
    RawSample sample{place.split, entry.path(), std::move(bytes), {}};
    if (request_.options.holdout > 0) {
      hold_out(place.class_name, std::move(sample));
      return;
    }
    labels_.add(place.split, place.class_name);
    sink_(std::move(sample));
  }

  // A folder is walked class by class: one is finished when the next begins. An archive may have any order.
  void hold_out(const std::string& class_name, RawSample&& sample) {
    constexpr std::size_t held_limit = std::size_t{1} << 30;
    if (!held_.contains(class_name) && fs::is_directory(request_.from)) finish_held();
    ClassImages& images = held_.try_emplace(class_name, class_name, request_, sink_, labels_).first->second;
    const std::size_t before = images.held();
    images.add(std::move(sample));
    held_bytes_ += images.held() - before;
    if (held_bytes_ > held_limit)
      fail(ErrorKind::data, "{}: over 1 GiB of images held back by --holdout; unpack it and name the folder",
           from_);
  }

  void finish_held() {
    for (auto& [name, images] : held_) images.finish();
    held_.clear();
    held_bytes_ = 0;
  }

  void check() const {
    if (met_.empty()) fail(ErrorKind::data, "{}: no images in class folders{}", from_, expected);
    for (const std::string& each : request_.splits)
      if (!met_.contains(packed_split(each)))
        fail(ErrorKind::data, "{}: no images in {}/{}", from_, each, expected);
    std::set<std::string> met;
    for (const auto& [split, classes] : met_)
      if (!listed_.empty() || split == "train" || !met_.contains("train"))
        met.insert(classes.begin(), classes.end());
    const bool complete = met_.contains("train") || !layout_.splits.contains("train");
    for (const std::string& each : classes_)
      if (complete && !met.contains(each)) refuse_empty(each);
  }

  // It would change every later class's label, were it left out in silence.
  [[noreturn]] void refuse_empty(const std::string& class_name) const {
    if (!listed_.empty())
      fail(ErrorKind::data, "{}: no images of class {}, which {} lists", from_, class_name,
           request_.options.classes.string());
    fail(
        ErrorKind::data,
        "{}: the class folder {} holds no images; move it away, put its images there, or name the classes to "
        "pack with --classes",
        from_, class_name);
  }

  const SourceRequest& request_;
  const SampleSink& sink_;
  const std::string from_;
  const std::vector<std::string> listed_;
  const ListFolder list_;
  const FolderLayout layout_;
  std::map<std::string, std::string> chosen_;  // folder → split
  std::vector<std::string> classes_;
  std::set<std::string> wanted_;
  NamedLabels labels_;
  std::map<std::string, ClassImages> held_;  // with --holdout, by class
  std::size_t held_bytes_ = 0;
  std::map<std::string, std::set<std::string>> met_;  // classes with images, by split
  PassedOver passed_over_;
  std::vector<std::string> holds_folders_;  // classes that hold no image themselves
  std::int64_t skipped_ = 0;
};

}  // namespace

SourceResult read_folder(const SourceRequest& request, const SampleSink& sink) {
  return FolderReading(request, sink).read();
}

}  // namespace smlp
