#include "smlp/pack/sources/folder_layout.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/split_names.hpp"
#include "smlp/formats/archive.hpp"
#include "smlp/pack/sources/source.hpp"

namespace smlp {
namespace {

constexpr std::size_t depth_limit = 8;  // of folders that are looked at

FolderContent list_directory(const fs::path& folder) {
  FolderContent content;
  try {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      std::error_code broken_link;
      if (is_hidden({name})) continue;
      if (entry.is_directory(broken_link))
        content.folders.insert(name);
      else
        content.images = content.images || named_like_an_image(name);
    }
  } catch (const fs::filesystem_error& error) {
    fail(ErrorKind::data, "cannot read the folder {}: {}", printable(folder.string()),
         error.code().message());
  }
  return content;
}

// The folders of an archive, from its files' names.
class FolderTree {
 public:
  void add(const std::string& path) {
    const std::vector<std::string_view> parts = path_parts(path);
    if (parts.empty() || is_hidden(parts)) return;
    std::string folder;
    for (std::size_t i = 0; i < std::min(parts.size(), depth_limit); ++i) {
      const bool is_folder = i + 1 < parts.size() || path.ends_with('/');
      FolderContent& content = folders_[folder];
      if (is_folder)
        content.folders.emplace(parts[i]);
      else
        content.images = content.images || named_like_an_image(parts[i]);
      folder.append(parts[i]).append("/");
    }
  }
  FolderContent list(const std::string& path) const {
    const auto found = folders_.find(path);
    return found == folders_.end() ? FolderContent{} : found->second;
  }

 private:
  std::map<std::string, FolderContent> folders_;
};

using Splits = std::map<std::string, std::string>;  // split → folder

// The folders that say a split, by the rest of their names.
std::map<std::string, Splits> split_groups(const std::string& where, const std::string& path,
                                           const ListFolder& list, const std::set<std::string>& folders) {
  std::map<std::string, Splits> groups;
  for (const std::string& name : folders) {
    const SplitInName said = split_in_name(name);
    if (said.splits.size() != 1 || said.splits[0] == "unlabeled") continue;
    const FolderContent content = list(path + name + "/");
    if (content.images && content.folders.empty()) continue;
    const auto [same, is_new] = groups[said.rest].emplace(said.splits[0], name);
    if (!is_new)
      fail(ErrorKind::data, "{}: {}/ and {}/ are both the {} split; rename one, or move it away", where,
           same->second, name, said.splits[0]);
  }
  return groups;
}

// Nothing where the folders are not splits.
std::optional<Splits> find_splits(const std::string& where, const std::string& path, const ListFolder& list,
                                  const std::set<std::string>& folders) {
  const std::map<std::string, Splits> groups = split_groups(where, path, list, folders);
  if (const auto plain = groups.find(""); plain != groups.end()) {
    const Splits& splits = plain->second;
    if (!splits.contains("train") && splits.size() != folders.size())
      fail(ErrorKind::data,
           "{}: {}/ could be a split or a class: name the folder of a split with --from and --split, or list "
           "the "
           "classes with --classes",
           where, splits.begin()->second);
    return splits;
  }
  std::optional<Splits> found;
  for (const auto& [rest, splits] : groups) {
    if (splits.size() < 2 || !splits.contains("train")) continue;
    if (found)
      fail(ErrorKind::data, "{}: {}/ and {}/ are of different data sets; pack each from a folder of its own",
           where, found->at("train"), splits.at("train"));
    found = splits;
  }
  return found;
}

// "seg_train/seg_train/CLASS", as some zip archives unpack: where a split's folder holds only one of the same
// split, its classes lie in that one.
std::string innermost(const ListFolder& list, const std::string& root, std::string folder,
                      const std::string& split) {
  for (std::size_t depth = 0; depth < depth_limit; ++depth) {
    const FolderContent content = list(root + folder + "/");
    if (content.images || content.folders.size() != 1) break;
    const std::string& only = *content.folders.begin();
    if (split_in_name(only).splits != std::vector{split}) break;
    folder += "/" + only;
  }
  return folder;
}

FolderLayout layout_of(const ListFolder& list, const std::string& root, const Splits& splits,
                       const std::set<std::string>& folders) {
  FolderLayout layout{root, splits, {}};
  for (const std::string& name : folders)
    if (std::ranges::find(splits, name, &Splits::value_type::second) == splits.end())
      layout.others.push_back(name);
  for (auto& [split, folder] : layout.splits) folder = innermost(list, root, folder, split);
  return layout;
}

bool are_listed(const std::set<std::string>& folders, const std::vector<std::string>& classes) {
  return std::any_of(classes.begin(), classes.end(),
                     [&](const std::string& each) { return folders.contains(each); });
}

}  // namespace

ListFolder folder_lister(const fs::path& from) {
  if (fs::is_directory(from)) return [from](const std::string& path) { return list_directory(from / path); };
  const auto tree = std::make_shared<FolderTree>();
  read_archive(
      from,
      [&](const std::string& path) {
        if (stop_signal() != 0)
          throw Interrupted(fmt::format("stopped by a signal while reading the names of {}", from.string()));
        tree->add(path);
        return false;
      },
      [](ArchiveEntry&) {});
  return [tree](const std::string& path) { return tree->list(path); };
}

FolderLayout find_layout(const fs::path& from, const ListFolder& list,
                         const std::vector<std::string>& classes) {
  std::string path;
  for (std::size_t depth = 0; depth < depth_limit; ++depth) {
    const FolderContent content = list(path);
    if (!are_listed(content.folders, classes))
      if (const auto splits = find_splits(from.string(), path, list, content.folders))
        return layout_of(list, path, *splits, content.folders);
    if (depth > 0 && content.images) break;  // of the one class there is
    if (content.folders.size() > 1) return {path, {}, {}};
    if (content.folders.empty()) break;
    path += *content.folders.begin() + "/";
  }
  return {};
}

}  // namespace smlp
