#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace smlp {

// A file that grows over several runs of the program as TARGET.part and takes its name when it is complete.
// While the object lives no other process can open it. All functions throw Error(failed) with the path and
// the system's reason.
class PartFile {
 public:
  explicit PartFile(std::filesystem::path target);  // opens or makes TARGET.part; the folder must exist
  ~PartFile();                                      // keeps what was written; an empty file is removed
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  void write(const void* bytes, std::size_t size);  // at the end
  void clear();                                     // back to no bytes
  void commit();                                    // sync, rename to TARGET, sync the folder

 private:
  void lock();

  std::filesystem::path target_, path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace smlp
