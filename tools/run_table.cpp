#include "run_table.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <set>

#include "csv.hpp"
#include "run_groups.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/json.hpp"
#include "table.hpp"

namespace smlp {
namespace {

std::vector<std::string> chosen_columns(const std::vector<Row>& rows, const std::vector<Group>& groups) {
  std::vector<std::string> columns{"run"};
  if (groups.size() < rows.size()) columns.emplace_back("n");
  for (const std::string& column : differing_settings(rows)) columns.push_back(column);
  for (const char* column :
       {"epoch", "status", "command", "init.from", "time", "holdout_top1", "best_top1", "last_top1"})
    columns.emplace_back(column);
  return columns;
}

// Settings that change no result.
bool is_minor(const std::string& column) {
  static constexpr std::array minor{"data.mean",     "data.std",     "run.seed",        "device.threads",
                                    "device.type",   "data.workers", "data.prefetch",   "data.cache_features",
                                    "data.resident", "checkpoint.",  "train.log_every", "train.eval_every"};
  return std::any_of(minor.begin(), minor.end(),
                     [&](const char* start) { return column.starts_with(start); });
}

std::size_t different_cells(const Cells& rows, std::size_t column) {
  std::set<std::string> texts;
  for (const auto& row : rows)
    if (!row[column].empty()) texts.insert(row[column]);
  return texts.size();
}

// Columns that may go where there is no room, the most telling first: of settings, those of most values.
std::vector<std::string> expendable(const Cells& rows) {
  std::vector<std::string> order{"last_top1", "status", "epoch", "n", "holdout_top1"}, minor;
  std::vector<std::pair<std::size_t, std::string>> settings;
  for (std::size_t c = 0; c < rows[0].size(); ++c) {
    const std::string& column = rows[0][c];
    if (column == "init.from" || !is_setting(column)) continue;
    if (is_minor(column))
      minor.push_back(column);
    else
      settings.emplace_back(different_cells(rows, c), column);
  }
  std::stable_sort(settings.begin(), settings.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [count, column] : settings) order.push_back(column);
  order.insert(order.end(), {"command", "init.from", "time"});
  order.insert(order.end(), minor.begin(), minor.end());
  return order;
}

// Columns in which no run has anything say nothing.
void erase_empty_columns(Cells& rows) {
  for (std::size_t c = rows[0].size(); c-- > 1;)
    if (std::all_of(rows.begin() + 1, rows.end(), [&](const auto& row) { return row[c].empty(); }))
      for (auto& row : rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(c));
}

}  // namespace

void sort_rows(std::vector<Row>& rows, const TableOptions& options) {
  std::vector<Group> groups = group_by_seed(rows, true);
  sort_groups(groups, options.sort, options.reverse);
  std::vector<Row> sorted;
  for (const Group& group : groups) sorted.push_back(*group[0]);
  rows = std::move(sorted);
}

RunTable format_runs(const std::vector<Row>& rows, const TableOptions& options,
                     std::optional<std::size_t> width) {
  if (rows.empty()) return {};
  std::vector<Group> groups = group_by_seed(rows, options.each);
  sort_groups(groups, options.sort, options.reverse);
  const bool chosen = options.columns.empty();
  Cells cells{chosen ? chosen_columns(rows, groups) : options.columns};
  if (std::ranges::count(cells[0], "run") == 0) cells[0].insert(cells[0].begin(), "run");
  for (const Group& group : groups) {
    std::vector<std::string> line;
    for (const std::string& column : cells[0]) line.push_back(group_text(group, column));
    cells.push_back(std::move(line));
  }
  RunTable table;
  if (chosen) erase_empty_columns(cells);
  if (chosen && width) table.left_out = fit_table(cells, *width, expendable(cells));
  table.text = format_table(cells);
  return table;
}

std::string runs_as_json(const std::vector<Row>& rows, const TableOptions& options) {
  Row list = Row::array();
  for (const Row& row : rows) {
    if (options.columns.empty()) {
      list.push_back(row);
      continue;
    }
    Row chosen = Row::object();
    for (const std::string& column : options.columns) chosen[column] = value_of(row, column);
    list.push_back(std::move(chosen));
  }
  return json_text(list, 2) + "\n";
}

std::string runs_as_csv(const std::vector<Row>& rows, const TableOptions& options) {
  std::vector<std::string> columns = options.columns;
  if (columns.empty()) {
    std::set<std::string> there;
    for (const Row& row : rows)
      for (const auto& [column, value] : row.items())
        if (there.insert(column).second) columns.push_back(column);
  }
  std::string text = fmt::format("{}\n", fmt::join(columns, ","));
  for (const Row& row : rows) {
    std::vector<std::string> fields;
    for (const std::string& column : columns) {
      const Row& value = value_of(row, column);
      fields.push_back(value.is_null()     ? ""
                       : value.is_string() ? csv(value.get<std::string>())
                                           : csv(json_text(value)));
    }
    text += fmt::format("{}\n", fmt::join(fields, ","));
  }
  return text;
}

std::optional<std::size_t> output_width() {
  std::size_t columns = 0;
  if (const char* const said = std::getenv("COLUMNS"); said != nullptr) {
    const std::string text = said;
    std::from_chars(text.data(), text.data() + text.size(), columns);
  }
  winsize size{};
  if (columns == 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
  return columns == 0 ? std::nullopt : std::optional(columns);
}

}  // namespace smlp
