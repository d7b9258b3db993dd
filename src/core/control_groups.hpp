#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace smlp {

// The folder of a control group of this process.
struct ControlGroup {
  std::filesystem::path folder;
  bool unified = false;  // version 2
};

// The groups that limit `controller` ("cpu", "memory") for this process: its own of each hierarchy and those
// above it. `root` is where /proc and the groups are looked for.
std::vector<ControlGroup> control_groups(const std::filesystem::path& root, const std::string& controller);

}  // namespace smlp
