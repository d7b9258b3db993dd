#include <algorithm>
#include <iostream>
#include <set>

#include "command.hpp"
#include "examples.hpp"
#include "number_options.hpp"
#include "row_query.hpp"
#include "runs_commands.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/run/path_kind.hpp"

namespace smlp {
namespace {

struct RunsOptions {
  ListOptions list;
  bool json = false, csv = false, yes = false;
  std::string first, second;
  std::vector<std::string> doomed;
  double seconds = 2;

  RunsFormat format() const { return json ? RunsFormat::json : csv ? RunsFormat::csv : RunsFormat::text; }
  bool chooses() const {
    const TableOptions& t = list.table;
    return !list.filters.empty() || !t.columns.empty() || !t.sort.empty() || t.reverse || t.each;
  }
};

void add_list_options(CLI::App& app, ListOptions& options) {
  app.add_option("DIR", options.places, "runs, or folders that hold runs [runs]")->type_name("");
  app.add_option("--columns", options.table.columns, "these columns, none cut")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("KEY,KEY,…");
  app.add_option("--sort", options.table.sort, "by these, smallest first")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("KEY,KEY,…");
  app.add_flag("--reverse", options.table.reverse, "largest first");
  app.add_option(
         "--filter", options.filters,
         "only runs of which this is true (repeatable): = != < <= > >=, numbers as numbers; KEY= where "
         "there is none")
      ->allow_extra_args(false)
      ->type_name("'KEY>VALUE'");
  app.add_flag("--each", options.table.each, "a row for each seed");
}

int run_list(const RunsOptions& options) {
  ListOptions list = options.list;
  if (list.places.empty()) list.places = {"runs"};
  if (list.places.size() > 1 || !is_run(list.places[0])) return list_runs(list, options.format());
  if (options.chooses() || options.csv)
    fail(ErrorKind::usage,
         "{} is a run, and is shown whole: --columns, --sort, --filter, --each and --csv are for the folder "
         "that holds it",
         list.places[0]);
  return show_run(list.places[0], options.format());
}

std::string some_of(const std::vector<std::string>& columns) {
  constexpr std::size_t shown = 5;
  const std::vector<std::string> telling(
      columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(std::min(shown, columns.size())));
  const std::size_t more = columns.size() - telling.size();
  return fmt::format("{}{}", fmt::join(telling, ", "),
                     more == 0 ? "" : fmt::format(" and {} more columns", more));
}

constexpr const char* list_note =
    "A table shows the settings that are not the same in all its runs, then status, results and times; runs\n"
    "that differ in the seed alone are one row of n: mean ± the sample's standard deviation (over n - 1).\n"
    "best_top1 is of the test split at the epoch that was chosen, by holdout_top1 where a part is held out.\n"
    "Status: running, finished, stopped (by a signal, everything saved), failed (`smlp runs RUN` says why),\n"
    "killed, damaged (results are missing). JSON and CSV have every run and every key.";

}  // namespace

std::vector<Row> chosen_runs(const ListOptions& options) {
  static std::set<std::string> told;
  Listing listing = list_runs(options.places);
  for (const std::string& warning : listing.left_out)
    if (told.insert(warning).second) log().warn("{}", printable(warning));
  std::vector<std::string> known = known_columns(listing.rows);
  filter_rows(listing.rows, options.filters, known);
  for (const std::string& column : options.table.sort) check_column(column, known, "--sort");
  known.emplace_back("n");
  for (const std::string& column : options.table.columns) check_column(column, known, "--columns");
  return std::move(listing.rows);
}

int list_runs(const ListOptions& options, RunsFormat format) {
  std::vector<Row> rows = chosen_runs(options);
  if (format != RunsFormat::text) {
    sort_rows(rows, options.table);
    std::cout << (format == RunsFormat::json ? runs_as_json(rows, options.table)
                                             : runs_as_csv(rows, options.table));
    return 0;
  }
  if (rows.empty())
    log().info("no runs{} in {}", options.filters.empty() ? "" : " of which that is true",
               fmt::join(options.places, ", "));
  const std::optional<std::size_t> width = output_width();
  const RunTable table = format_runs(rows, options.table, width);
  std::cout << table.text << std::flush;
  constexpr std::size_t usual = 80;
  const std::size_t columns = display_width(table.text.substr(0, table.text.find('\n')));
  if (!width && columns > usual && options.table.columns.empty())
    log().info("{} characters wide: COLUMNS={} keeps what fits, --columns chooses", columns, usual);
  if (!table.left_out.empty())
    log().info("no room for {}: --columns chooses, --csv and --json have all", some_of(table.left_out));
  return 0;
}

fs::path named_run(const std::string& path) {
  if (is_run(path)) return without_trailing_slash(path);
  const bool below = is_run(fs::path("runs") / path);
  fail(ErrorKind::data, "{}: no run: it has neither config.yaml nor checkpoints{}", path,
       below ? fmt::format(" (did you mean runs/{}?)", path) : "");
}

Action add_runs_command(CLI::App& app) {
  auto o = std::make_shared<RunsOptions>();
  app.require_subcommand(0, 1);
  add_list_options(app, o->list);
  CLI::Option* json = app.add_flag("--json", o->json, "every run with every key, as JSON");
  app.add_flag("--csv", o->csv, "the same as CSV")->excludes(json);
  app.footer(
      examples({"smlp runs", "smlp runs --sort best_top1 --filter 'optim.lr>1e-6' --filter status=finished"},
               list_note));

  CLI::App* diff = app.add_subcommand("diff", "the settings and results in which two runs differ");
  diff->add_option("A", o->first, "a run")->required();
  diff->add_option("B", o->second, "another run")->required();
  diff->add_flag("--json", o->json, "as JSON: key → both values");

  diff->footer(examples({"smlp runs diff runs/a runs/b"}));

  CLI::App* watch = app.add_subcommand("watch", "follow runs until Ctrl-C, which ends with exit code 130");
  add_list_options(*watch, o->list);
  watch->add_option("--every", o->seconds, "seconds between looks")
      ->check(number_between(0.1, 3600))
      ->type_name("SECONDS")
      ->capture_default_str();

  watch->footer(examples({"smlp runs watch --sort best_top1"}));

  CLI::App* remove = app.add_subcommand("rm", "delete runs; one that is being written is refused");
  remove->add_option("RUN", o->doomed, "the runs' folders")->required();
  remove->add_flag("-y,--yes", o->yes, "without asking");

  remove->footer(examples({"smlp runs rm --yes runs/old"}));

  return [o, diff, watch, remove] {
    if (diff->parsed()) return diff_runs(o->first, o->second, o->format());
    if (remove->parsed()) return remove_runs(o->doomed, o->yes);
    if (!watch->parsed()) return run_list(*o);
    if (o->list.places.empty()) o->list.places = {"runs"};
    return watch_runs(o->list, o->seconds);
  };
}

}  // namespace smlp
