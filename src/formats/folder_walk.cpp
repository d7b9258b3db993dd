#include "folder_walk.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

using Wanted = std::function<bool(const std::string&)>;
using Visit = std::function<void(ArchiveEntry&&)>;

class FolderWalker {
 public:
  FolderWalker(fs::path root, const Wanted& wanted, const Visit& visit)
      : root_(std::move(root)), wanted_(wanted), visit_(visit) {}

  void walk() { walk_below(""); }

 private:
  using Identity = std::pair<dev_t, ino_t>;

  // `prefix` is the folder's relative path with a '/' at its end, empty for the root.
  void walk_below(const std::string& prefix) {
    const Identity identity = identify(root_ / prefix);
    if (std::find(above_.begin(), above_.end(), identity) != above_.end())
      fail(ErrorKind::data, "{}: the folder is linked into itself", printable((root_ / prefix).string()));
    above_.push_back(identity);
    for (const std::string& name : sorted_names(prefix)) {
      if (name.ends_with('/')) {
        walk_below(prefix + name);
      } else if (wanted_(prefix + name)) {
        visit_({prefix + name, read_bytes(root_ / (prefix + name), archive_entry_limit)});
      }
    }
    above_.pop_back();
  }

  // Folders' names carry a '/': sorting them so gives the order of the whole paths.
  std::vector<std::string> sorted_names(const std::string& prefix) const {
    std::vector<std::string> names;
    try {
      for (const auto& entry : fs::directory_iterator(root_ / prefix)) {
        std::string name = entry.path().filename().string();
        if (!is_utf8(name))
          fail(ErrorKind::data, "{}: file \"{}\" has a name that is not UTF-8", root_.string(),
               printable(prefix + name));
        std::error_code broken_link;
        const fs::file_status status = entry.status(broken_link);
        if (fs::is_directory(status))
          names.push_back(name + '/');
        else if (fs::is_regular_file(status) || !fs::exists(status))
          names.push_back(std::move(name));
      }
    } catch (const fs::filesystem_error& error) {
      fail(ErrorKind::data, "cannot read the folder {}: {}", printable((root_ / prefix).string()),
           error.code().message());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  static Identity identify(const fs::path& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0)
      fail(ErrorKind::data, "cannot read the folder {}", printable(folder.string()));
    return {status.st_dev, status.st_ino};
  }

  fs::path root_;
  const Wanted& wanted_;
  const Visit& visit_;
  std::vector<Identity> above_;
};

}  // namespace

void walk_folder(const std::filesystem::path& root, const Wanted& wanted, const Visit& visit) {
  FolderWalker(root, wanted, visit).walk();
}

}  // namespace smlp
