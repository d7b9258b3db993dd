#include "smlp/formats/json.hpp"

#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

// "[json.exception.parse_error.101] parse error at line 1, …" without the exception's number.
std::string words_of(const std::string& message) {
  const std::size_t bracket = message.find("] ");
  return bracket == std::string::npos ? message : message.substr(bracket + 2);
}

}  // namespace

nlohmann::json parse_json(std::string_view text, std::string_view name, int max_depth) {
  using Json = nlohmann::json;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > max_depth) fail(ErrorKind::data, "{}: nested more than {} deep", name, max_depth);
    return true;
  };
  try {
    return Json::parse(text, limit_depth);
  } catch (const Json::exception& error) {
    fail(ErrorKind::data, "{}: not JSON: {}", name, words_of(error.what()));
  }
}

std::string json_text(const nlohmann::json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string json_text(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace smlp
