#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace smlp {

// Parses a JSON document that nobody should trust: not JSON, or nested more than max_depth deep: Error(data)
// naming `name`.
nlohmann::json parse_json(std::string_view text, std::string_view name, int max_depth);

// A document as text: on one line, or with an indent. Bytes that are not UTF-8 become U+FFFD.
std::string json_text(const nlohmann::json& json, int indent = -1);
std::string json_text(const nlohmann::ordered_json& json, int indent = -1);

}  // namespace smlp
