#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smlp {

// Where a value was said: "config.yaml:3:5", or "--set train.epochs=5".
struct Origin {
  std::shared_ptr<const std::string> source;
  int line = 0;  // from 1; 0: the source has no lines
  int column = 0;
  std::string text() const;
};

// A YAML document as values that know where they came from.
struct ConfigNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  Origin origin;
  std::string text{};                                         // scalar
  std::vector<ConfigNode> items{};                            // list
  std::vector<std::pair<std::string, ConfigNode>> entries{};  // map, in the order of the file, keys distinct
  bool quoted = false;                                        // scalar

  const ConfigNode* find(std::string_view key) const;  // of a map; null: absent
  ConfigNode* find(std::string_view key);
};

// Limits on what is read, checked while reading.
inline constexpr std::size_t max_config_bytes = 1 << 20;
inline constexpr int max_config_depth = 64;
inline constexpr std::size_t max_config_nodes = 100'000;  // after aliases are expanded

// Parses one YAML document. Merge keys (`<<: *defaults`) are resolved. Text that is not UTF-8, malformed
// text, a key said twice, a key that is not a word, an alias inside itself, a second document, or a limit
// passed: Error(usage) with source:line:column. An empty document is an empty map.
ConfigNode parse_yaml(std::string_view text, const std::string& source);

// A map holding `path` ("train.epochs") → value, for one word of the command line. parse_override reads
// "path=value" with the value as YAML, in which a word goes on after " #"; make_override takes the value as
// it stands. Malformed, or not UTF-8: Error(usage).
ConfigNode parse_override(const std::string& assignment);
ConfigNode make_override(const std::string& path, const std::string& value, const std::string& origin);
ConfigNode make_override(const std::string& path, ConfigNode value, const std::string& origin);

// Lays `over` on `base`: maps are merged key by key, anything else is replaced. A map below one of `families`
// that says another `name` starts anew: the keys of one family mean nothing to another.
void merge(ConfigNode& base, ConfigNode over, std::span<const std::string> families);

// Puts the overrides together, refusing a key said twice.
ConfigNode combine_overrides(std::vector<ConfigNode> overrides);

}  // namespace smlp
