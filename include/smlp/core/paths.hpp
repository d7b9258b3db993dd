#pragma once
#include <filesystem>
#include <vector>

namespace smlp {

// Where a config named without a path is looked for, in this order: $SMLP_CONFIGS, then share/smlp/configs
// beside the program's bin/, then the configs of the sources it was built from. Folders that do not exist are
// left out.
std::vector<std::filesystem::path> config_folders();

}  // namespace smlp
