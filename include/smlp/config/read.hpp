#pragma once
#include <map>
#include <string>

#include "smlp/config/fields.hpp"
#include "smlp/config/tree.hpp"

namespace smlp {

// Where each key that was read came from, by its full path ("train.epochs").
using Origins = std::map<std::string, std::string>;

// Reads a document into a config: every key of `root` must be one that `fields` names, with the right type,
// within bounds. Otherwise Error(usage): file:line:column, the key, what was found, what was expected, the
// nearest known key.
void read_config(const ConfigNode& root, const FieldVisitor::Fields& fields, Origins* origins = nullptr);

}  // namespace smlp
