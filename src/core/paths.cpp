#include "smlp/core/paths.hpp"

#include <cstdlib>

namespace smlp {

namespace fs = std::filesystem;

std::vector<fs::path> config_folders() {
  std::vector<fs::path> candidates;
  if (const char* given = std::getenv("SMLP_CONFIGS"); given != nullptr && *given != '\0')
    candidates.emplace_back(given);
  std::error_code error;
  if (const fs::path program = fs::read_symlink("/proc/self/exe", error); !error)
    candidates.push_back(program.parent_path().parent_path() / "share/smlp/configs");
  candidates.emplace_back(SMLP_SOURCE_CONFIGS);

  std::vector<fs::path> folders;
  for (const fs::path& folder : candidates)
    if (fs::is_directory(folder, error)) folders.push_back(folder);
  return folders;
}

}  // namespace smlp
