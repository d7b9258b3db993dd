#include "smlp/core/host.hpp"

#include <unistd.h>

namespace smlp {

std::string host_name() {
  char name[256] = "unknown-host";
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace smlp
