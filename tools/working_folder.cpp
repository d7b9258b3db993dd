#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <string_view>

namespace smlp {
namespace {

constexpr std::string_view gone =
    "error: the folder this was started in is gone, or may not be read: change to one that is there\n";

// Before main, and before what a sanitizer watches is set up.
__attribute__((no_sanitize("address"))) void refuse_lost_working_folder() {
  static char path[PATH_MAX];
  if (::syscall(SYS_getcwd, path, sizeof path) > 0) return;
  [[maybe_unused]] const auto written = ::syscall(SYS_write, STDERR_FILENO, gone.data(), gone.size());
  ::_exit(1);
}

// LibTorch's libraries end the process with another message when they are loaded there; this runs before
// they are.
__attribute__((section(".preinit_array"), used)) void (*const run_first)() = refuse_lost_working_folder;

}  // namespace
}  // namespace smlp
