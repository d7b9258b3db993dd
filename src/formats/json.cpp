#include "smlp/formats/json.hpp"

#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"

namespace smlp {

nlohmann::json parse_json(std::string_view text, std::string_view name, int max_depth) {
  using Json = nlohmann::json;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > max_depth) fail(ErrorKind::data, "{}: nested more than {} deep", name, max_depth);
    return true;
  };
  try {
    return Json::parse(text, limit_depth);
  } catch (const Json::exception& error) {
    fail(ErrorKind::data, "{}: not JSON: {}", name, error.what());
  }
}

}  // namespace smlp
