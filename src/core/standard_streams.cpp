#include "smlp/core/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace smlp {

void open_standard_streams() {
  // open() takes the lowest free number.
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (::fcntl(stream, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != stream) ::_exit(1);
}

}  // namespace smlp
