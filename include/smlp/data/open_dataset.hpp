#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "smlp/data/dataset.hpp"

namespace smlp {

// Opens a split of `root`: "shapes"; a pack's root ("train" or "test" below it; "val" is another name of
// "test"); one split's own folder, whatever `split` says; or the same below $SMLP_DATA. `split` is "train",
// "test" or "val". Not found: Error(data) naming the places tried and `smlp pack`.
std::shared_ptr<const Dataset> open_dataset(const std::string& root, const std::string& split);

// Where a pack is: its splits are those of train, test, val and unlabeled below `root` that hold a
// dataset.json, or `root` itself.
struct PackPlace {
  std::filesystem::path root;
  std::vector<std::filesystem::path> splits;
};
PackPlace find_pack(const std::string& root);  // as it is or below $SMLP_DATA; no splits: no pack is there
std::string split_name(const std::filesystem::path& split_directory);  // the folder's own name

}  // namespace smlp
