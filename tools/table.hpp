#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace smlp {

using Cells = std::vector<std::vector<std::string>>;  // row by row, the first row being the header

// Rows of text as columns two spaces apart; columns of numbers are set to the right.
std::string format_table(const Cells& rows);

std::string four_digits(double value);  // as a table or an axis shows a measured number

// Where a line takes more than `width` columns of a terminal: cuts long cells, and leaves out those of these
// columns for which there is still no room, the first of them being served first. Those that went.
std::vector<std::string> fit_table(Cells& rows, std::size_t width, const std::vector<std::string>& order);

}  // namespace smlp
