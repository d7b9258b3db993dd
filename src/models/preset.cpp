#include "smlp/models/preset.hpp"

namespace smlp {

std::optional<KeyValues> match_preset(const Preset& preset, const std::string& name) {
  constexpr std::size_t longest = 128;  // std::regex recurses over its input
  std::smatch match;
  if (name.size() > longest || !std::regex_match(name, match, preset.pattern)) return std::nullopt;
  KeyValues keys;
  for (const auto& [key, value] : preset.keys) {
    if (value[0] != '$') {
      keys.emplace_back(key, value);
      continue;
    }
    const auto& group = match[std::stoul(value.substr(1))];
    if (group.matched) keys.emplace_back(key, group.str());
  }
  return keys;
}

}  // namespace smlp
