#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace smlp {

// Parses a JSON document that nobody should trust: not JSON, or nested more than max_depth deep: Error(data)
// naming `name`.
nlohmann::json parse_json(std::string_view text, std::string_view name, int max_depth);

}  // namespace smlp
