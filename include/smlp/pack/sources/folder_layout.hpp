#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace smlp {

struct FolderContent {
  std::set<std::string> folders;  // names, without hidden ones
  bool images = false;            // files named like images lie directly in it
};

// What a folder holds; `path` is relative, "" or with '/' at its end.
using ListFolder = std::function<FolderContent(const std::string& path)>;

// Of a folder on disk, looked at when asked, or of an archive, which is read through for its names first.
// Error(data) where that cannot be read.
ListFolder folder_lister(const std::filesystem::path& from);

// Where a data set lies in folders.
struct FolderLayout {
  std::string root;                           // the folder around everything, with '/' at its end, or ""
  std::map<std::string, std::string> splits;  // train, test, val: its folder, from root; empty: none has
  std::vector<std::string> others;            // with splits: the other folders in root
};

// The splits are folders called by a word of split_of_word(), or by one and the same text around such words
// (set_train, set_val). They are looked for in `from`, or in the one folder in it, and so on. One that holds
// images and no folders is none; one that holds but a folder of the same split is that one. `classes`: names
// that are class folders, whatever they say. Error(data): two folders of one split, several sets of splits,
// what could be a split or a class.
FolderLayout find_layout(const std::filesystem::path& from, const ListFolder& list,
                         const std::vector<std::string>& classes);

}  // namespace smlp
