#include "table.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <numeric>

#include "smlp/core/text.hpp"

namespace smlp {
namespace {

constexpr std::size_t widest_cell = 28;  // in a table that is too wide

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,-+%kMGT ") == std::string::npos;
}

// The end of a path says more than its beginning.
std::string cut_cell(const std::string& text) {
  if (display_width(text) <= widest_cell) return text;
  if (text.find('/') == std::string::npos) return std::string(cut_to_width(text, widest_cell - 1)) + "…";
  std::string_view tail = text;
  while (display_width(tail) >= widest_cell) tail.remove_prefix(cut_to_width(tail, 2).size());
  return "…" + std::string(tail);
}

std::vector<std::size_t> column_widths(const Cells& rows) {
  std::vector<std::size_t> widths(rows[0].size(), 0);
  for (const std::vector<std::string>& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], display_width(row[c]));
  return widths;
}

void cut_cells(Cells& rows) {
  for (auto& row : rows)
    for (std::string& cell : row) cell = cut_cell(cell);
}

void erase_column(Cells& rows, const std::string& column) {
  const std::ptrdiff_t at = std::find(rows[0].begin(), rows[0].end(), column) - rows[0].begin();
  for (auto& row : rows) row.erase(row.begin() + at);
}

std::size_t line_width(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), 2 * (widths.size() - 1));
}

}  // namespace

std::string four_digits(double value) {
  return fmt::format("{:.4g}", value);
}

std::string format_table(const Cells& rows) {
  if (rows.empty()) return "";
  const std::size_t columns = rows[0].size();
  const std::vector<std::size_t> widths = column_widths(rows);
  std::vector<bool> right(columns, rows.size() > 1);
  for (std::size_t r = 1; r < rows.size(); ++r)
    for (std::size_t c = 0; c < columns; ++c)
      if (!rows[r][c].empty() && !is_number(rows[r][c])) right[c] = false;
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      const std::string pad(widths[c] - display_width(row[c]), ' ');
      line += (c > 0 ? "  " : "") + (right[c] ? pad + row[c] : row[c] + pad);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::vector<std::string> fit_table(Cells& rows, std::size_t width, const std::vector<std::string>& order) {
  if (line_width(column_widths(rows)) <= width) return {};
  cut_cells(rows);
  const std::vector<std::size_t> widths = column_widths(rows);
  const std::vector<std::string> columns = rows[0];
  const auto may_go = [&](const std::string& column) {
    return std::find(order.begin(), order.end(), column) != order.end();
  };
  std::size_t used = 0;
  for (std::size_t c = 0; c < columns.size(); ++c)
    if (!may_go(columns[c])) used += widths[c] + 2;
  std::vector<std::string> left_out;
  for (const std::string& column : order) {
    const auto c =
        static_cast<std::size_t>(std::find(columns.begin(), columns.end(), column) - columns.begin());
    if (c == columns.size()) continue;
    const bool fits = used + widths[c] <= width;
    used += fits ? widths[c] + 2 : 0;
    if (!fits) left_out.push_back(column);
  }
  for (const std::string& column : left_out) erase_column(rows, column);
  return left_out;
}

}  // namespace smlp
