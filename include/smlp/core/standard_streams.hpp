#pragma once

namespace smlp {

// Opens /dev/null in place of standard input, output and error where they are closed, so that no file of the
// program gets one of their numbers and with it what is printed. The first call of main.
void open_standard_streams();

}  // namespace smlp
