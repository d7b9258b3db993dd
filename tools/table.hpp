#pragma once
#include <string>
#include <vector>

namespace smlp {

// Rows of text as columns two spaces apart, the first row being the header; columns of numbers are set to the
// right.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace smlp
