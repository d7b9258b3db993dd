#pragma once
#include <functional>
#include <map>
#include <string>

#include "smlp/config/fields.hpp"
#include "smlp/config/tree.hpp"

namespace smlp {

// Where each key that was read came from, by its full path ("train.epochs").
using Origins = std::map<std::string, std::string>;

// What somebody may have meant who wrote an unknown key, or an unknown word as the value of a key: for the
// message, "did you mean 'optim.lr'?"; "": nothing is known, the nearest spelling is offered.
struct Meanings {
  std::function<std::string(const std::string& path)> of_key;
  std::function<std::string(const std::string& path, const std::string& word)> of_value;
};

// Reads a document into a config: every key of `root` must be one that `fields` names, with the right type,
// within bounds. Otherwise Error(usage): file:line:column, the key, what was found, what was expected, the
// key that is meant or the nearest known one.
void read_config(const ConfigNode& root, const FieldVisitor::Fields& fields, Origins* origins = nullptr,
                 const Meanings& meanings = {});

}  // namespace smlp
