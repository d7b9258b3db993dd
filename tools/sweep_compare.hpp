#pragma once
#include "command.hpp"

namespace smlp {

Action add_compare_command(CLI::App& app);  // smlp sweep compare

}  // namespace smlp
