#pragma once
#include <string>
#include <vector>

#include "smlp/config/fields.hpp"
#include "smlp/config/read.hpp"
#include "smlp/config/tree.hpp"

namespace smlp {

// A config as YAML that reads back to the same values. With `origins`, each line ends in where its value came
// from ("default" if nowhere).
std::string print_config(const FieldVisitor::Fields& fields, const Origins* origins = nullptr);

// One key of a config, for listings.
struct KeyRow {
  std::string path;    // "train.epochs"; an item of a list: "optim.groups[].match"
  std::string type;    // "integer", "number", "one of auto, cpu, cuda", "family", …
  std::string value;   // the default, as YAML
  std::string bounds;  // " ≥ 1", or ""
  std::string help;
};
std::vector<KeyRow> config_rows(const FieldVisitor::Fields& fields);  // as the config stands; changes nothing
std::vector<KeyRow> list_keys(const FieldVisitor::Fields& fields);    // with the keys of lists' items; resets
                                                                      // the lists: for a config of defaults

// A document as YAML that reads back to the same values, without its comments.
std::string print_tree(const ConfigNode& document);

std::string bounds_text(const Bounds& bounds);  // " ≥ 0, < 1", or ""

}  // namespace smlp
