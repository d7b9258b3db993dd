#pragma once
#include <filesystem>
#include <string_view>

namespace smlp {

// Locks an open file for this process: false when another one holds it. A file system that has no locks is
// warned of, and nothing is locked.
bool try_lock(int descriptor, const std::filesystem::path& path);

// Whether another process holds a lock file. A look holds it for an instant, which FileLock waits out.
enum class LockState { free, held, unknown };  // unknown: it cannot be read, or its file system has no locks
LockState lock_state(const std::filesystem::path& path);  // free where there is no such file

// Holds a file locked, made when missing, as long as it lives; the file says by whom. Held by another
// process: Error(failed) saying "`what` by OWNER".
class FileLock {
 public:
  FileLock(const std::filesystem::path& path, std::string_view what);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace smlp
