#pragma once
#include <string>

namespace smlp {

std::string host_name();  // of this machine; "unknown-host" when the system does not say

}  // namespace smlp
