#pragma once
#include <string>
#include <vector>

#include "run_rows.hpp"

namespace smlp {

// The columns of any of these rows, settings first as a configuration has them, and the keys that a
// configuration has by default.
std::vector<std::string> known_columns(const std::vector<Row>& rows);

// An unknown one: Error(usage) with the nearest, said of `option`.
void check_column(const std::string& column, const std::vector<std::string>& known,
                  const std::string& option);

// Keeps the rows that meet every condition: KEY OP VALUE with one of = != < <= > >=. Two numbers are compared
// as numbers, anything else as text. A row without a value meets != alone. Error(usage).
void filter_rows(std::vector<Row>& rows, const std::vector<std::string>& conditions,
                 const std::vector<std::string>& known);

// Whether one value comes before another: numbers by size, then text, then what is missing.
bool comes_before(const Row& a, const Row& b);

}  // namespace smlp
