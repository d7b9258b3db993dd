#include "smlp/core/host.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace smlp {

std::string host_name() {
  char name[256] = "unknown-host";
  ::gethostname(name, sizeof name - 1);
  return name;
}

bool is_alive_here(const std::string& host, std::int64_t process) {
  return host == host_name() && process > 0 &&
         (::kill(static_cast<pid_t>(process), 0) == 0 || errno == EPERM);
}

}  // namespace smlp
