#pragma once
#include <string>
#include <vector>

#include "run_table.hpp"

namespace smlp {

// What `smlp runs` and its subcommands do; each returns the exit code.

struct ListOptions {
  std::vector<std::string> places;   // runs, or folders that hold runs
  std::vector<std::string> filters;  // as filter_rows() takes them
  TableOptions table;
};

// The runs that are meant, filtered. Those that cannot be read are warned of, each once.
std::vector<Row> chosen_runs(const ListOptions& options);

enum class RunsFormat { text, json, csv };
int list_runs(const ListOptions& options, RunsFormat format);
int show_run(const std::string& run, RunsFormat format);
int diff_runs(const std::string& a, const std::string& b, RunsFormat format);

// Follows the runs until a stop signal: redraws a terminal at least every so many seconds, elsewhere prints a
// line where a run's status or results have changed.
int watch_runs(const ListOptions& options, double seconds);

// Deletes runs, after a question unless `yes`. What is no run, holds other files than a run's, or is being
// written: Error, and nothing is deleted.
int remove_runs(const std::vector<std::string>& runs, bool yes);

// The run that is meant. None: Error(data).
std::filesystem::path named_run(const std::string& path);

}  // namespace smlp
