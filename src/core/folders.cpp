#include <stdio.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "file_details.hpp"
#include "smlp/core/files.hpp"

namespace smlp {
namespace {

void sync_tree(const fs::path& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_directory() && !entry.is_symlink()) sync_directory(entry.path());
  sync_directory(directory);
}

}  // namespace

StagedDirectory::StagedDirectory(fs::path target, bool replace)
    : target_(without_trailing_slash(target)), temporary_(temporary_beside(target_)), replace_(replace) {
  refuse_existing();
  if (::mkdir(temporary_.c_str(), 0777) != 0) cannot("create", target_, errno);
}

StagedDirectory::~StagedDirectory() {
  if (temporary_.empty()) return;
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

void StagedDirectory::refuse_existing() const {
  std::error_code ignored;
  if (!replace_ && fs::symlink_status(target_, ignored).type() != fs::file_type::not_found)
    fail(ErrorKind::usage, "{} already exists: remove it or choose another name", target_.string());
}

void StagedDirectory::commit() {
  refuse_existing();
  try {
    sync_tree(temporary_);
  } catch (const fs::filesystem_error& error) {
    cannot("write", target_, error.code().value());
  }
  if (replace_ && fs::exists(fs::symlink_status(target_))) {
    replace_target();
  } else {
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) cannot("write", target_, errno);
    temporary_.clear();
    sync_directory(parent_of(target_));
  }
}

void StagedDirectory::replace_target() {
  fs::path old = temporary_;
  if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) != 0) {
    // Not every file system exchanges names.
    if (errno != EINVAL && errno != ENOSYS) cannot("replace", target_, errno);
    old = temporary_beside(target_);
    if (::rename(target_.c_str(), old.c_str()) != 0) cannot("replace", target_, errno);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
      const int code = errno;
      ::rename(old.c_str(), target_.c_str());
      cannot("replace", target_, code);
    }
  }
  temporary_.clear();
  sync_directory(parent_of(target_));
  std::error_code ignored;
  fs::remove_all(old, ignored);
}

void sync_directory(const fs::path& directory) {
  const Descriptor folder(directory, O_RDONLY | O_DIRECTORY);
  if (folder.get() < 0) cannot("open", directory, errno);
  // The others are what file systems say that have nothing to sync for folders.
  if (::fsync(folder.get()) != 0 && errno != EINVAL && errno != EBADF && errno != ENOSYS &&
      errno != EOPNOTSUPP)
    cannot("sync", directory, errno);
}

void remove_directory(const fs::path& directory) {
  const fs::path temporary = temporary_beside(without_trailing_slash(directory));
  std::error_code error;
  fs::rename(directory, temporary, error);
  if (error) cannot("rename", directory, error.value());
  fs::remove_all(temporary, error);
  if (error) cannot("remove", temporary, error.value());
}

void rehearse_writing(const fs::path& directory) {
  const fs::path rehearsal = temporary_beside(directory / "rehearsal");
  try {
    StagedDirectory staged(rehearsal);
    for (const char* text : {"first", "second"}) write_file_atomically(staged.path() / "file", text);
    staged.commit();
    remove_directory(rehearsal);
  } catch (const Error& error) {
    std::error_code ignored;
    fs::remove_all(rehearsal, ignored);
    fail(ErrorKind::failed,
         "nothing can be kept in {}: {}; see to its rights and its space, or choose another file system",
         directory.string(), error.what());
  }
}

bool is_temporary(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".") && name.find(temporary_mark) != std::string::npos;
}

void remove_temporaries(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory))
    if (is_temporary(entry.path())) fs::remove_all(entry.path());
}

}  // namespace smlp
