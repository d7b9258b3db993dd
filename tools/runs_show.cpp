#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "run_groups.hpp"
#include "runs_commands.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/run/results.hpp"
#include "smlp/run/sessions.hpp"
#include "smlp/train/config_files.hpp"
#include "table.hpp"

namespace smlp {
namespace {

// What the run's model, optimiser and schedule have where nothing is said.
RunConfig defaults_of(const Row& row) {
  std::vector<ConfigNode> names;
  for (const char* key : {"model.name", "optim.name", "schedule.name"})
    if (const Row& name = value_of(row, key); name.is_string())
      names.push_back(make_override(key, name.get<std::string>(), key));
  return load_run_config(std::nullopt, std::move(names));
}

Cells settings_of(const Row& row) {
  std::set<std::string> usual;
  for (const KeyRow& key : defaults_of(row).rows()) {
    const Row value = Row::parse(key.value, nullptr, false);
    if (!key.path.ends_with(".name"))
      usual.insert(key.path + (value.is_discarded() ? Row(key.value) : value).dump());
  }
  Cells cells;
  for (const auto& [column, value] : row.items())
    if (is_setting(column) && !is_place(column) && !usual.contains(column + json_text(value)))
      cells.push_back({"  " + column, cell_text(row, column)});
  return cells;
}

// At most about a dozen: the first, the last, the best, and some between.
std::vector<const Evaluation*> telling(const RunResults& results) {
  const auto count = results.evaluations.size();
  const std::size_t stride = std::max<std::size_t>(1, (count + 9) / 10);
  std::vector<const Evaluation*> chosen;
  for (std::size_t i = 0; i < count; ++i) {
    const Evaluation& each = results.evaluations[i];
    if (i % stride == 0 || i + 1 == count || &each == results.best()) chosen.push_back(&each);
  }
  return chosen;
}

Cells results_of(const RunResults& results) {
  Cells cells{{"  epoch", "train_loss", "train_top1", "loss", "top1", "top5", "holdout_top1", ""}};
  const auto text = [](double value, int digits) {
    return value == value ? fmt::format("{:.{}f}", value, digits) : "";
  };
  for (const Evaluation* e : telling(results))
    cells.push_back({fmt::format("  {:g}", e->epoch), text(e->train_loss, 4), text(e->train_top1, 2),
                     text(e->loss, 4), text(e->top1, 2), text(e->top5, 2), text(e->holdout_top1, 2),
                     e == results.best() ? "best" : ""});
  return cells;
}

std::vector<fs::path> checkpoints_of(const fs::path& run) {
  std::vector<fs::path> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints", none))
    if (!entry.is_symlink() && !is_temporary(entry.path()) && is_checkpoint(entry.path()))
      found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

void print(const fs::path& run, const Row& row, const RunResults& results) {
  const std::string reason = cell_text(row, "reason");
  std::cout << fmt::format("run          {}\nstatus       {}{}\ncommand      {}\nepoch        {}\n",
                           printable(run.string()), cell_text(row, "status"),
                           reason.empty() ? "" : ": " + reason, cell_text(row, "command"),
                           cell_text(row, "epoch"));
  for (const RunSession& s : read_sessions(run))
    std::cout << fmt::format("session      {} to {} on {}{}: {}\n", s.start, s.end.empty() ? "…" : s.end,
                             printable(s.host), s.exit.empty() ? "" : ", " + s.exit, printable(s.command));
  std::cout << fmt::format("settings     other than the defaults; `smlp config show {}` has all\n{}",
                           printable((run / "config.yaml").string()), format_table(settings_of(row)));
  if (!results.evaluations.empty())
    std::cout << fmt::format("evaluations  {}\n{}", results.evaluations.size(),
                             format_table(results_of(results)));
  const std::vector<fs::path> checkpoints = checkpoints_of(run);
  const Evaluation* best = results.best();
  std::cout << (checkpoints.empty() ? "checkpoints  none\n" : "checkpoints\n");
  for (const fs::path& each : checkpoints)
    std::cout << fmt::format("  {}{}{}\n", printable(each.string()),
                             each == checkpoints.back() ? "  last" : "",
                             best != nullptr && each == checkpoint_folder(run, best->step) ? "  best" : "");
}

Row as_json(const fs::path& run, Row row, const RunResults& results) {
  row["sessions"] = Row::array();
  for (const RunSession& s : read_sessions(run))
    row["sessions"].push_back({{"command", s.command},
                               {"host", s.host},
                               {"start", s.start},
                               {"end", s.end},
                               {"exit", s.exit},
                               {"reason", s.reason}});
  row["evaluations"] = Row::array();
  for (const Evaluation& e : results.evaluations)
    row["evaluations"].push_back({{"epoch", e.epoch},
                                  {"step", e.step},
                                  {"train_loss", e.train_loss},
                                  {"train_top1", e.train_top1},
                                  {"loss", e.loss},
                                  {"top1", e.top1},
                                  {"top5", e.top5},
                                  {"holdout_top1", e.holdout_top1}});
  row["checkpoints"] = Row::array();
  for (const fs::path& each : checkpoints_of(run)) row["checkpoints"].push_back(each.string());
  return row;
}

}  // namespace

int show_run(const std::string& path, RunsFormat format) {
  const fs::path run = named_run(path);
  const Row row = run_row(run);
  const RunResults results = read_results(run);
  if (format == RunsFormat::json)
    std::cout << json_text(as_json(run, row, results), 2) << "\n";
  else
    print(run, row, results);
  return 0;
}

}  // namespace smlp
