#pragma once
#include <filesystem>
#include <streambuf>
#include <string>
#include <string_view>

namespace smlp {

// While it lives, std::cout writes to standard output through it, which remembers why a write failed (a full
// disk, a pipe that nobody reads): C++'s own says only that it did.
class StandardOutput : public std::streambuf {
 public:
  StandardOutput();
  ~StandardOutput() override;
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

  int flush();  // 0, or the errno of the first write that failed

 protected:
  int_type overflow(int_type character) override;
  int sync() override;

 private:
  std::streambuf* before_;
  std::string pending_;
  int error_ = 0;
};

bool is_standard_output(const std::filesystem::path& path);  // "-", or the file that standard output goes to

// Writes all of it; 0, or the errno of what failed.
int write_to(int descriptor, std::string_view text);

}  // namespace smlp
