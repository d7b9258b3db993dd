#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "run_rows.hpp"

namespace smlp {

// How a list of runs is shown.
struct TableOptions {
  std::vector<std::string> columns;  // empty: chosen by what the runs have
  std::vector<std::string> sort;     // columns, the first one decides first; missing values come last
  bool reverse = false;
  bool each = false;  // runs that differ in the seed alone in rows of their own
};

void sort_rows(std::vector<Row>& rows, const TableOptions& options);

struct RunTable {
  std::string text;
  std::vector<std::string> left_out;  // columns for which there was no room
};

// A row for each run, or for those that differ in the seed alone: mean ± the sample's standard deviation of
// their results. Columns that were not asked for are left out, the least telling first, and long cells cut
// until a line takes at most `width` columns of the terminal; nullopt: any number.
RunTable format_runs(const std::vector<Row>& rows, const TableOptions& options,
                     std::optional<std::size_t> width);

// Every run, every column (or those asked for), nothing cut.
std::string runs_as_json(const std::vector<Row>& rows, const TableOptions& options);
std::string runs_as_csv(const std::vector<Row>& rows, const TableOptions& options);

// Of standard output: $COLUMNS, or the terminal's; nullopt where it is no terminal.
std::optional<std::size_t> output_width();

}  // namespace smlp
