#include "smlp/models/registry.hpp"

#include <regex>

#include "smlp/models/b_mlp.hpp"
#include "smlp/models/s_mlp.hpp"

namespace smlp {

std::span<const FamilyRow<ModelConfig>> model_table() {
  static constexpr FamilyRow<ModelConfig> rows[] = {
      {"b_mlp", [] { return std::unique_ptr<ModelConfig>(new BMlpConfig); }},
      {"s_mlp", [] { return std::unique_ptr<ModelConfig>(new SMlpConfig); }},
  };
  return rows;
}

namespace {

// The value of one to nine digits; nothing for 0 or for more digits than that.
std::optional<int> positive(const std::string& digits) {
  if (digits.size() > 9) return std::nullopt;
  const int value = std::stoi(digits);
  return value > 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<ModelName> parse_model_name(const std::string& name) {
  constexpr std::size_t longest = 128;  // std::regex recurses over its input
  static const std::regex pattern(
      R"(([bs])[-_](\d+)[-_/](?:wi[-_])?(\d+)(?:[-_]res[-_](\d+)(?:[-_][a-z0-9]+)*)?)",
      std::regex::icase | std::regex::optimize);
  std::smatch match;
  if (name.size() > longest || !std::regex_match(name, match, pattern)) return std::nullopt;

  const std::optional<int> depth = positive(match[2]), width = positive(match[3]);
  const std::optional<int> size = match[4].matched ? positive(match[4]) : std::nullopt;
  if (!depth || !width || (match[4].matched && !size)) return std::nullopt;
  const bool bottleneck = name[0] == 'b' || name[0] == 'B';
  return ModelName{bottleneck ? "b_mlp" : "s_mlp", *depth, *width, size};
}

}  // namespace smlp
