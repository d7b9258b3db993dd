#include "smlp/data/sources/folder.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <unordered_map>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/formats/archive.hpp"

namespace smlp {
namespace {

bool is_split_name(std::string_view name) {
  return name == "train" || name == "test" || name == "val";
}

bool named_like_an_image(std::string_view file) {
  const std::size_t dot = file.rfind('.');
  std::string extension(dot == std::string_view::npos ? "" : file.substr(dot + 1));
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension == "jpg" || extension == "jpeg" || extension == "png";
}

// Where the classes lie: below `root` (a folder, or nothing) and, with `splits`, below train/, test/ or val/
// there.
struct Layout {
  std::string root;
  bool splits = false;
};

bool has_split_folder(const fs::path& folder) {
  return fs::is_directory(folder / "train") || fs::is_directory(folder / "test") ||
         fs::is_directory(folder / "val");
}

std::optional<Layout> layout_of_directory(const fs::path& from) {
  if (!fs::is_directory(from)) return std::nullopt;
  if (has_split_folder(from)) return Layout{"", true};
  std::vector<fs::path> folders;
  for (const auto& each : fs::directory_iterator(from))
    if (each.is_directory() && each.path().filename().string()[0] != '.') folders.push_back(each.path());
  if (folders.size() == 1 && has_split_folder(folders[0]))
    return Layout{folders[0].filename().string(), true};
  return Layout{};
}

Layout layout_of_image(const std::vector<std::string_view>& parts) {
  if (is_split_name(parts[0])) return {"", true};
  if (parts.size() >= 3 && is_split_name(parts[1])) return {std::string(parts[0]), true};
  return {};
}

class Reading {
 public:
  Reading(const SourceRequest& request, const SampleSink& sink)
      : request_(request), sink_(sink), layout_(layout_of_directory(request.from)) {}

  bool wanted(const std::string& path) {
    const auto parts = path_parts(path);
    if (parts.size() < 2 || is_hidden(parts)) return skip();
    return !layout_ || place(parts, path) || skip();
  }

  void visit(ArchiveEntry&& entry) {
    const auto parts = path_parts(entry.path);
    if (image_kind(entry.bytes) == ImageKind::none) {
      if (named_like_an_image(parts.back()))
        fail(ErrorKind::data, "{}: {}: {} bytes that are neither JPEG nor PNG", from(), entry.path,
             entry.bytes.size());
      skip();
      return;
    }
    if (!layout_) layout_ = layout_of_image(parts);
    const std::optional<Found> found = place(parts, entry.path);
    if (!found) {
      skip();
      return;
    }
    Split& split = splits_[found->split == "train" ? "train" : "test"];
    if (split.folder.empty()) split.folder = found->split;
    if (split.folder != found->split)
      fail(ErrorKind::data, "{}: has both test/ and val/; choose one with --split", from());
    const auto id = static_cast<std::int64_t>(class_ids_.size());
    split.class_ids.push_back(class_ids_.emplace(found->class_name, id).first->second);
    sink_({found->split == "train" ? "train" : "test", std::move(entry.path), std::move(entry.bytes), {}});
  }

  SourceResult finish() const {
    if (splits_.empty()) fail(ErrorKind::data, "{}: no JPEG or PNG files in class folders{}", from(), hint());
    for (const std::string& each : request_.splits)
      if (!splits_.contains(each == "val" ? "test" : each))
        fail(ErrorKind::data, "{}: no images in {}/{}", from(), each, hint());
    SourceResult result{{}, {}, skipped_};
    for (const auto& [name, id] : class_ids_) result.classes.push_back(name);
    std::sort(result.classes.begin(), result.classes.end());
    std::vector<std::int64_t> label_of(class_ids_.size());
    for (std::size_t i = 0; i < result.classes.size(); ++i)
      label_of[class_ids_.at(result.classes[i])] = static_cast<std::int64_t>(i);
    for (const auto& [name, split] : splits_) {
      std::vector<std::int64_t>& labels = result.labels[name];
      for (const std::int64_t id : split.class_ids) labels.push_back(label_of[id]);
      check_classes(split, labels, result.classes);
    }
    return result;
  }

 private:
  struct Found {
    std::string split, class_name;
  };
  struct Split {
    std::string folder;
    std::vector<std::int64_t> class_ids;  // in the order the classes were met
  };

  std::string from() const { return request_.from.string(); }
  std::string hint() const { return "; expected CLASS/… or train/CLASS/… and test/CLASS/… (or val/CLASS/…)"; }
  bool skip() {
    ++skipped_;
    return false;
  }

  // The split and class of a file, or nothing when it lies outside the splits asked for.
  std::optional<Found> place(std::vector<std::string_view> parts, const std::string& path) const {
    if (!layout_->root.empty()) {
      if (parts[0] != layout_->root) return std::nullopt;
      parts.erase(parts.begin());
    }
    if (layout_->splits) {
      if (parts.size() < 3 || !is_split_name(parts[0]) || !request_.wants(parts[0])) return std::nullopt;
      return Found{std::string(parts[0]), std::string(parts[1])};
    }
    if (is_split_name(parts[0]))
      fail(ErrorKind::data,
           "{}: {}: a {}/ folder beside class folders; unpack the archive and pack one of them", from(), path,
           parts[0]);
    if (request_.splits.size() > 1)
      fail(ErrorKind::data, "{}: has no train/ and test/ folders; name one --split for all of it", from());
    return Found{request_.splits.empty() ? "train" : request_.splits[0], std::string(parts[0])};
  }

  void check_classes(const Split& split, const std::vector<std::int64_t>& labels,
                     const std::vector<std::string>& classes) const {
    std::vector<bool> met(classes.size());
    for (const std::int64_t label : labels) met[label] = true;
    const auto missing = std::find(met.begin(), met.end(), false);
    if (missing != met.end())
      fail(ErrorKind::data,
           "{}: {}/ has no images of class \"{}\", which the other split has; every split needs the same "
           "classes",
           from(), split.folder, classes[missing - met.begin()]);
  }

  const SourceRequest& request_;
  const SampleSink& sink_;
  std::optional<Layout> layout_;  // an archive's is known from its first image
  std::unordered_map<std::string, std::int64_t> class_ids_;
  std::map<std::string, Split> splits_;
  std::int64_t skipped_ = 0;
};

}  // namespace

SourceResult read_folder(const SourceRequest& request, const SampleSink& sink) {
  Reading reading(request, sink);
  read_archive(
      request.from, [&](const std::string& path) { return reading.wanted(path); },
      [&](ArchiveEntry&& entry) { reading.visit(std::move(entry)); });
  return reading.finish();
}

}  // namespace smlp
