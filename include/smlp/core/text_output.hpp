#pragma once
#include <filesystem>
#include <optional>
#include <string_view>

#include "smlp/core/files.hpp"

namespace smlp {

// Where a user wants text: a file, replaced as a whole on commit(); straight into what cannot be replaced (a
// pipe, a device, a mount point) and into standard output, which "-" means too. Error(failed).
class TextOutput {
 public:
  explicit TextOutput(const fs::path& path);
  ~TextOutput();
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  void write(std::string_view text);
  void commit();

  static void check(const fs::path& path);  // that it can be opened, without waiting for a pipe's reader

 private:
  std::optional<AtomicFile> file_;
  fs::path path_;
  int descriptor_ = -1;
};

}  // namespace smlp
