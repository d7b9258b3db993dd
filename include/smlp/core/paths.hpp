#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace smlp {

// Where a config named without a path is looked for, in this order: $SMLP_CONFIGS, then share/smlp/configs
// beside the program's bin/ (beside the lib/ of a shared library that this is a part of), then the configs of
// the sources it was built from. Folders that do not exist are left out.
std::vector<std::filesystem::path> config_folders();

// The path with a leading "~" or "~/" as the home folder ($HOME, without which it is refused: Error(usage)).
std::string expand_home(const std::string& path);

}  // namespace smlp
