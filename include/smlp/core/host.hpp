#pragma once
#include <cstdint>
#include <string>

namespace smlp {

std::string host_name();  // of this machine; "unknown-host" when the system does not say

// Whether that process of that machine lives; false of another machine, whose processes cannot be looked for.
bool is_alive_here(const std::string& host, std::int64_t process);

}  // namespace smlp
