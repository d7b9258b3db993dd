#pragma once
#include "command.hpp"

namespace smlp {

// `smlp sweep coordinates`: declares its options on `app` and returns what runs it.
Action add_coordinates_command(CLI::App& app);

}  // namespace smlp
