#include "folder_walk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

class FileEntry : public ArchiveEntry {
 public:
  FileEntry(const fs::path& root, const std::string& path)
      : ArchiveEntry(root.string(), path), descriptor_(::open((root / path).c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) broken();
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~FileEntry() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 protected:
  std::size_t read_some(std::span<std::byte> buffer) override {
    const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
    if (got < 0) broken();
    return static_cast<std::size_t>(got);
  }
  std::uint64_t size_hint() const override { return size_; }

 private:
  [[noreturn]] void broken() const {
    const int reason = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    fail(ErrorKind::data, "cannot read {}: {}", where(), std::strerror(reason));
  }

  int descriptor_;
  std::uint64_t size_ = 0;
};

class FolderWalker {
 public:
  FolderWalker(fs::path root, const WantedEntry& wanted, const VisitEntry& visit)
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
      if (!wanted_(prefix + name)) continue;
      if (!is_utf8(name))
        fail(ErrorKind::data, "{}: file \"{}\" has a name that is not UTF-8", root_.string(),
             printable(prefix + name));
      if (name.ends_with('/')) {
        walk_below(prefix + name);
      } else {
        FileEntry entry(root_, prefix + name);
        visit_(entry);
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
  const WantedEntry& wanted_;
  const VisitEntry& visit_;
  std::vector<Identity> above_;
};

}  // namespace

void walk_folder(const std::filesystem::path& root, const WantedEntry& wanted, const VisitEntry& visit) {
  FolderWalker(root, wanted, visit).walk();
}

}  // namespace smlp
