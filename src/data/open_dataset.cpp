#include "smlp/data/open_dataset.hpp"

#include <cstdlib>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/paths.hpp"
#include "smlp/data/shapes.hpp"
#include "smlp/data/split_names.hpp"

namespace smlp {
namespace {

std::shared_ptr<const Dataset> labelled(std::shared_ptr<const Dataset> set) {
  if (set->classes() == 0) fail(ErrorKind::data, "{}: its images have no labels", set->description());
  return set;
}

bool is_pack(const fs::path& directory) {
  std::error_code ignored;
  return fs::is_regular_file(directory / "dataset.json", ignored);
}

std::vector<fs::path> places_of(const std::string& root) {
  std::vector<fs::path> places{root};
  const char* data = std::getenv("SMLP_DATA");
  if (data != nullptr && *data != '\0' && fs::path(root).is_relative())
    places.push_back(expand_home(data) / fs::path(root));
  return places;
}

// A folder that is there already holds something else: nothing is to be packed into it.
std::string way_to_a_pack(const std::string& root) {
  std::error_code none;
  if (fs::is_directory(root, none) && !fs::is_empty(root, none))
    return fmt::format(
        "if it holds images in class folders, pack them elsewhere: `smlp pack folder --from {} --to ROOT`",
        root);
  return fmt::format("give --data ROOT, or make it with `smlp pack SOURCE --from PATH --to {}`", root);
}

}  // namespace

std::shared_ptr<const Dataset> open_dataset(const std::string& root, const std::string& split) {
  if (split != "train" && split != "test")
    fail(
        ErrorKind::usage,
        "\"{}\" is no split of a packed data set: there are train and test, which is where validation images "
        "are packed",
        split);
  if (root == "shapes") return shapes_dataset(split);
  const std::vector<fs::path> roots = places_of(root);
  const bool train = split == "train";
  std::vector<std::string> tried;
  for (const fs::path& each : roots)
    for (const fs::path& place :
         {each, each / (train ? "train" : "test"), each / (train ? "train" : "val")}) {
      if (is_pack(place)) return labelled(Dataset::open(place));
      if (tried.empty() || tried.back() != place.string()) tried.push_back(place.string());
    }
  fail(ErrorKind::data, "no packed {} data for \"{}\": no dataset.json in {}; {}{}", split, root,
       fmt::join(tried, ", "), way_to_a_pack(root),
       roots.size() == 1 ? ", or name its parent folder in $SMLP_DATA" : "");
}

PackPlace find_pack(const std::string& root) {
  for (const fs::path& place : places_of(root)) {
    PackPlace found{place, {}};
    if (is_pack(place)) found.splits = {place};
    for (const char* name : split_names)
      if (!is_pack(place) && is_pack(place / name)) found.splits.push_back(place / name);
    if (!found.splits.empty()) return found;
  }
  return {root, {}};
}

std::string split_name(const fs::path& split_directory) {
  const fs::path path = fs::absolute(split_directory / "").lexically_normal();
  return path.parent_path().filename().string();
}

}  // namespace smlp
