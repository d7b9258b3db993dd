#pragma once
#include <optional>
#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace smlp {

// Keys with their values as YAML: {"model.depth", "6"}.
using KeyValues = std::vector<std::pair<std::string, std::string>>;

// A name, or a form of names, that people use for models of a family, and the keys it sets.
struct Preset {
  std::string example;  // as listings show it: "B-12/1024"
  std::regex pattern;   // for the whole name
  KeyValues keys;  // values may be "$1", "$2", …, what the pattern's groups matched; a group that did not
                   // match leaves its key out
};

// The keys a name stands for; nullopt when it is not of the preset's form.
std::optional<KeyValues> match_preset(const Preset& preset, const std::string& name);

}  // namespace smlp
