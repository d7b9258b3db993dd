#include "control_groups.hpp"

#include <fstream>
#include <optional>
#include <sstream>

namespace smlp {
namespace {

namespace fs = std::filesystem;

// Where a hierarchy of groups is mounted, and which of its groups the mount point is.
struct GroupMount {
  bool unified = false;  // version 2
  fs::path group, point;
};

bool lists(const std::string& commas, const std::string& word) {
  return ("," + commas + ",").find("," + word + ",") != std::string::npos;
}

// Lines are "36 25 0:31 GROUP POINT options … - TYPE source OPTIONS".
std::vector<GroupMount> group_mounts(const fs::path& root, const std::string& controller) {
  std::ifstream file(root / "proc/self/mountinfo");
  std::vector<GroupMount> mounts;
  for (std::string line; std::getline(file, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream front(line), back(line.substr(dash + 3));
    std::string word, group, point, type, source, options;
    front >> word >> word >> word >> group >> point;
    back >> type >> source >> options;
    if (type == "cgroup2" || (type == "cgroup" && lists(options, controller)))
      mounts.push_back({type == "cgroup2", group, point});
  }
  return mounts;
}

// Lines are "ID:CONTROLLERS:GROUP"; version 2's has the number 0 and no controllers.
std::optional<fs::path> own_group(const fs::path& root, bool unified, const std::string& controller) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (unified ? controllers.empty() : lists(controllers, controller)) return line.substr(second + 1);
  }
  return std::nullopt;
}

}  // namespace

std::vector<ControlGroup> control_groups(const fs::path& root, const std::string& controller) {
  std::vector<ControlGroup> groups;
  for (const GroupMount& mount : group_mounts(root, controller)) {
    const std::optional<fs::path> group = own_group(root, mount.unified, controller);
    if (!group) continue;
    // In a container the mount point may be the group itself, by a name that is not known inside.
    fs::path below = group->lexically_relative(mount.group);
    if (below.empty() || below == "." || *below.begin() == "..") below.clear();
    const fs::path point = root / mount.point.relative_path();
    for (fs::path each = below;; each = each.parent_path()) {
      groups.push_back({point / each, mount.unified});
      if (each.empty()) break;
    }
  }
  return groups;
}

}  // namespace smlp
