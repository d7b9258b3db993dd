#include "smlp/pack/sources/folder.hpp"

#include <optional>
#include <set>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/formats/archive.hpp"
#include "smlp/formats/decode.hpp"

namespace smlp {
namespace {

bool is_split_name(std::string_view name) {
  return name == "train" || name == "test" || name == "val";
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
    if (path.ends_with('/')) return see_folder(parts, path);
    if (parts.size() < 2 || is_hidden(parts)) return skip();
    return !layout_ || place(parts, path) || skip();
  }

  void visit(ArchiveEntry& entry) {
    const auto parts = path_parts(entry.path());
    std::vector<std::byte> bytes = entry.bytes();
    if (image_kind(bytes) == ImageKind::none && !named_like_an_image(parts.back())) {
      skip();
      return;
    }
    if (!layout_) layout_ = layout_of_image(parts);
    const std::optional<Found> found = place(parts, entry.path());
    if (!found) {
      skip();
      return;
    }
    const std::string split = found->split == "train" ? "train" : "test";
    Split& met = splits_.try_emplace(split, Split{found->split, {}}).first->second;
    if (met.folder != found->split)
      fail(ErrorKind::data, "{}: has both test/ and val/; choose one with --split", from());
    met.classes.insert(found->class_name);
    labels_.add(split, found->class_name);
    sink_({split, entry.path(), std::move(bytes), {}});
  }

  SourceResult finish() const {
    if (splits_.empty()) fail(ErrorKind::data, "{}: no JPEG or PNG files in class folders{}", from(), hint());
    for (const std::string& each : request_.splits)
      if (!splits_.contains(each == "val" ? "test" : each))
        fail(ErrorKind::data, "{}: no images in {}/{}", from(), each, hint());
    SourceResult result = labels_.finish({}, skipped_);
    for (const auto& [name, split] : splits_)
      for (const std::string& each : result.classes)
        if (!split.classes.contains(each))
          fail(ErrorKind::data,
               "{}: {}/ has no images of class \"{}\", which the other split has; every split needs the same "
               "classes",
               from(), split.folder, each);
    check_folders();
    return result;
  }

 private:
  struct Found {
    std::string split, class_name;
  };
  struct Split {
    std::string folder;  // train, test or val
    std::set<std::string> classes;
  };
  std::string from() const { return request_.from.string(); }
  static std::string hint() {
    return "; expected CLASS/… or train/CLASS/… and test/CLASS/… (or val/CLASS/…)";
  }
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
      if (parts.size() < 3 || !is_split_name(parts[0]) || !request_.wants_folder(parts[0]))
        return std::nullopt;
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

  // An empty class folder would silently change every later class's label.
  bool see_folder(const std::vector<std::string_view>& parts, const std::string& path) {
    if (!is_hidden(parts)) folders_.push_back(path);
    return false;
  }

  void check_folders() const {
    const std::size_t depth = (layout_->root.empty() ? 0 : 1) + (layout_->splits ? 1 : 0) + 1;
    for (const std::string& path : folders_) {
      std::vector<std::string_view> parts = path_parts(path);
      if (parts.size() != depth) continue;
      parts.emplace_back("x");
      const std::optional<Found> found = place(parts, path);
      if (!found) continue;
      const auto split = splits_.find(found->split == "train" ? "train" : "test");
      if (split == splits_.end() || !split->second.classes.contains(found->class_name))
        fail(ErrorKind::data, "{}: the class folder {} holds no images; remove it, or put its images there",
             from(), path);
    }
  }

  const SourceRequest& request_;
  const SampleSink& sink_;
  std::optional<Layout> layout_;  // an archive's is known from its first image
  NamedLabels labels_;
  std::map<std::string, Split> splits_;
  std::vector<std::string> folders_;
  std::int64_t skipped_ = 0;
};

}  // namespace

SourceResult read_folder(const SourceRequest& request, const SampleSink& sink) {
  Reading reading(request, sink);
  read_archive(
      request.from, [&](const std::string& path) { return reading.wanted(path); },
      [&](ArchiveEntry& entry) { reading.visit(entry); });
  return reading.finish();
}

}  // namespace smlp
