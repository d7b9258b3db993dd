#include <iostream>

#include "row_query.hpp"
#include "run_groups.hpp"
#include "runs_commands.hpp"
#include "smlp/core/log.hpp"
#include "smlp/formats/json.hpp"
#include "table.hpp"

namespace smlp {

int diff_runs(const std::string& a, const std::string& b, RunsFormat format) {
  const std::vector<Row> rows{run_row(named_run(a)), run_row(named_run(b))};
  std::vector<std::string> columns;
  const auto add = [&](const std::string& column) {
    if (value_of(rows[0], column) != value_of(rows[1], column)) columns.push_back(column);
  };
  for (const std::string& column : known_columns(rows))
    if (is_setting(column) && !is_place(column)) add(column);
  const std::size_t settings = columns.size();
  for (const char* column : {"command", "status", "reason", "host", "epoch", "time", "holdout_top1",
                             "best_epoch", "best_top1", "last_top1", "last_top5", "last_loss"})
    add(column);
  if (format == RunsFormat::json) {
    Row differences = Row::object();
    for (const std::string& column : columns)
      differences[column] = {value_of(rows[0], column), value_of(rows[1], column)};
    std::cout << json_text(differences, 2) << "\n";
    return 0;
  }
  if (settings == 0) log().info("no setting differs");
  Cells cells{{"key", a, b}};
  for (const std::string& column : columns)
    cells.push_back({column, cell_text(rows[0], column), cell_text(rows[1], column)});
  std::cout << format_table(cells);
  return 0;
}

}  // namespace smlp
