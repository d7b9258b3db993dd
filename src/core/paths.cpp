#include "smlp/core/paths.hpp"

#include <dlfcn.h>
#include <link.h>
#include <pwd.h>

#include <algorithm>
#include <cstdlib>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;

// The program, or the shared library, that this is a part of; empty when the system does not say.
fs::path own_file() {
  Dl_info info{};
  link_map* map = nullptr;
  if (dladdr1(reinterpret_cast<const void*>(&own_file), &info, reinterpret_cast<void**>(&map),
              RTLD_DL_LINKMAP) != 0 &&
      *map->l_name != '\0')
    return map->l_name;
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

}  // namespace

std::vector<fs::path> config_folders() {
  std::vector<fs::path> candidates;
  if (const char* given = std::getenv("SMLP_CONFIGS"); given != nullptr && *given != '\0')
    candidates.emplace_back(expand_home(given));
  if (const fs::path own = own_file(); !own.empty())
    candidates.push_back(own.parent_path().parent_path() / "share/smlp/configs");
  candidates.emplace_back(SMLP_SOURCE_CONFIGS);

  std::error_code error;
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
