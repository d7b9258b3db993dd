#include "smlp/core/paths.hpp"

#include <pwd.h>

#include <algorithm>
#include <cstdlib>

#include "smlp/core/error.hpp"

namespace smlp {

namespace fs = std::filesystem;

std::vector<fs::path> config_folders() {
  std::vector<fs::path> candidates;
  if (const char* given = std::getenv("SMLP_CONFIGS"); given != nullptr && *given != '\0')
    candidates.emplace_back(expand_home(given));
  std::error_code error;
  if (const fs::path program = fs::read_symlink("/proc/self/exe", error); !error)
    candidates.push_back(program.parent_path().parent_path() / "share/smlp/configs");
  candidates.emplace_back(SMLP_SOURCE_CONFIGS);

  std::vector<fs::path> folders;
  for (const fs::path& folder : candidates)
    if (fs::is_directory(folder, error)) folders.push_back(folder);
  return folders;
}

std::string expand_home(const std::string& path) {
  if (!path.starts_with('~')) return path;
  const std::size_t end = std::min(path.find('/'), path.size());
  if (end > 1) {
    const passwd* const user = ::getpwnam(path.substr(1, end - 1).c_str());
    return user == nullptr ? path : user->pw_dir + path.substr(end);
  }
  const char* const home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    fail(ErrorKind::usage, "{}: $HOME is not set: give the whole path", path);
  return home + path.substr(1);
}

}  // namespace smlp
