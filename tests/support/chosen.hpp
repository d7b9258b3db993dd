#pragma once
#include <string>

#include "smlp/config/print.hpp"
#include "smlp/config/read.hpp"

namespace smlp::testing {

// A family's member from YAML as a user writes it: "{name: b_mlp, depth: 2}".
template <class Base, class Table>
Chosen<Base> read_chosen(const Table& table, const std::string& yaml) {
  Chosen<Base> chosen;
  read_config(parse_yaml("it: " + yaml, "test"),
              [&](FieldVisitor& v) { v.family("it", chosen, table, "chosen"); });
  return chosen;
}

template <class Base, class Table>
std::string print_chosen(Chosen<Base>& chosen, const Table& table) {
  return print_config([&](FieldVisitor& v) { v.family("it", chosen, table, "chosen"); });
}

}  // namespace smlp::testing
