#include "sweep_compare.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "csv.hpp"
#include "examples.hpp"
#include "gnuplot.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/sweep/comparison.hpp"
#include "table.hpp"

namespace smlp {
namespace {

struct CompareCommand {
  std::string sweep, downstream, to;
  ComparisonOptions options;
  bool json = false;
};

std::string spread_text(const Spread& spread, bool with_sign = false) {
  const std::string mean =
      with_sign ? fmt::format("{:+.2f}", spread.mean) : fmt::format("{:.2f}", spread.mean);
  return std::isnan(spread.half) ? mean : fmt::format("{} ± {:.2f}", mean, spread.half);
}

std::string chosen_text(const ComparisonRow& row) {
  std::vector<std::string> settings;
  for (const auto& [key, value] : row.chosen)
    if (!value.empty()) settings.push_back(fmt::format("{}={}", key, value));
  return fmt::format("{}", fmt::join(settings, " "));
}

// What the axis of scores, and the column of them, is called.
const char* score_name(const Trials& trials) {
  return trials.held_out() ? "holdout_top1" : "top1";
}

std::string comparison_text(const SweepComparison& comparison, const Trials& trials,
                            const ComparisonOptions& options) {
  const bool any_x = !options.x.empty(), any_against = !options.against.empty();
  const bool any_choice =
      std::ranges::any_of(comparison.rows, [](const auto& row) { return row.choices > 1; });
  Cells cells{comparison.by};
  const auto add = [&](bool shown, const std::string& text) {
    if (shown) cells.back().push_back(text);
  };
  add(any_x, options.x);
  add(true, "seeds");
  add(trials.held_out(), "holdout_top1");
  add(true, "top1");
  add(any_against, "against " + options.against);
  add(any_choice, "chosen");
  for (const ComparisonRow& row : comparison.rows) {
    cells.emplace_back();
    for (const std::string& value : row.values) add(true, printable(value));
    add(any_x, fmt::format("{}", row.x));
    add(true, std::to_string(row.seeds));
    add(trials.held_out(), spread_text(row.score));
    add(true, spread_text(row.top1));
    add(any_against, row.difference ? spread_text(*row.difference, true) : "");
    add(any_choice, printable(chosen_text(row)));
  }
  return format_table(cells);
}

std::string remarks_text(const SweepComparison& comparison, const Trials& trials) {
  std::string text;
  if (std::ranges::any_of(comparison.rows, [](const auto& row) { return row.seeds > 1; }))
    text += "±: 95 % interval of the mean over seeds (Student's t)\n";
  if (std::ranges::any_of(comparison.rows, [](const auto& row) { return row.difference.has_value(); }))
    text += "differences are of top1, paired by seed\n";
  for (const std::string& remark : comparison.remarks) text += fmt::format("note  {}\n", printable(remark));
  std::vector<std::string> left_out;
  for (const auto& [status, count] : trials.left_out) left_out.push_back(fmt::format("{} {}", count, status));
  if (!left_out.empty())
    text += fmt::format("note  left out: {} (`smlp sweep status`)\n", fmt::join(left_out, ", "));
  return text;
}

nlohmann::ordered_json spread_json(const Spread& spread) {
  nlohmann::ordered_json json{{"mean", spread.mean}};
  if (!std::isnan(spread.half))
    json["low"] = spread.mean - spread.half, json["high"] = spread.mean + spread.half;
  return json;
}

std::string comparison_json(const SweepComparison& comparison, const Trials& trials,
                            const ComparisonOptions& options) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const ComparisonRow& row : comparison.rows) {
    nlohmann::ordered_json chosen = nlohmann::ordered_json::object();
    for (const auto& [key, value] : row.chosen)
      if (!value.empty()) chosen[key] = value;
    nlohmann::ordered_json json{{"name", row.name}, {"seeds", row.seeds}};
    if (!options.x.empty()) json["x"] = row.x;
    json["score"] = spread_json(row.score);
    json["top1"] = spread_json(row.top1);
    if (row.difference) json["difference"] = spread_json(*row.difference);
    json["chosen"] = std::move(chosen);
    json["choices"] = row.choices;
    rows.push_back(std::move(json));
  }
  const nlohmann::ordered_json json{{"by", comparison.by},         {"x", options.x},
                                    {"score", score_name(trials)}, {"rows", std::move(rows)},
                                    {"notes", comparison.remarks}, {"left_out", trials.left_out}};
  return json_text(json, 2) + "\n";
}

// Gnuplot reads a name as it stands, without the quotes in it that CSV doubles.
std::string figure_name(std::string name) {
  std::ranges::replace(name, '"', '\'');
  return name;
}

// Of one seed low and high are the mean, so that its point is drawn.
std::string spread_csv(const Spread& spread) {
  const double half = std::isnan(spread.half) ? 0 : spread.half;
  return fmt::format(",{:.4f},{:.4f},{:.4f}", spread.mean, spread.mean - half, spread.mean + half);
}

std::string comparison_csv(const SweepComparison& comparison, const ComparisonOptions& options) {
  std::string text =
      "name,x,score,low,high,top1,top1_low,top1_high,difference,difference_low,difference_high,seeds,"
      "chosen\n";
  for (const ComparisonRow& row : comparison.rows)
    text += fmt::format("{},{}{}{}{},{},{}\n", csv(figure_name(row.name)),
                        options.x.empty() ? "" : fmt::format("{}", row.x), spread_csv(row.score),
                        spread_csv(row.top1), row.difference ? spread_csv(*row.difference) : ",,,", row.seeds,
                        csv(chosen_text(row)));
  return text;
}

std::string gnuplot_text(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

// Marked at each value where there are few; ends beyond the first and last point, so that their intervals can
// be seen.
std::string x_axis(const std::set<double>& xs) {
  const double least = *xs.begin(), most = *xs.rbegin();
  constexpr double wide = 8, room = 0.04;
  constexpr std::size_t few = 8;
  std::string marks;
  for (const double x : xs) marks += (marks.empty() ? "" : ", ") + four_digits(x);
  std::string axis = xs.size() <= few ? fmt::format("set xtics ({})\nunset mxtics\n", marks) : "";
  const bool logarithmic = least > 0 && most / least >= wide;
  const double factor = logarithmic ? std::pow(most / least, room) : 1;
  const double beyond = logarithmic ? 0 : most > least ? room * (most - least) : 1;
  if (logarithmic) axis += "set logscale x\n";
  return axis + fmt::format("set xrange [{}:{}]\n", four_digits(least / factor - beyond),
                            four_digits(most * factor + beyond));
}

// A line a name, over x.
std::string lines_figure(const SweepComparison& comparison, const Trials& trials,
                         const ComparisonOptions& options) {
  std::vector<std::string> names, lines;
  std::set<double> xs;
  for (const ComparisonRow& row : comparison.rows) {
    if (names.empty() || names.back() != row.name) names.push_back(row.name);
    xs.insert(row.x);
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    lines.push_back(
        fmt::format("'comparison.csv' using (strcol(1) eq {0} ? $2 : NaN):3:4:5 skip 1 with yerrorlines "
                    "pt 7 lc {1} title {0}",
                    gnuplot_text(figure_name(names[i])), i + 1));
  return fmt::format(
      "set key outside right top noenhanced\n{}set xlabel {} noenhanced\nset ylabel '{}, %' noenhanced\nplot "
      "{}",
      x_axis(xs), gnuplot_text(options.x), score_name(trials), fmt::join(lines, ", \\\n  "));
}

// A point a name, the first on top.
std::string points_figure(const SweepComparison& comparison, const Trials& trials) {
  return fmt::format(
      "set xlabel '{}, %' noenhanced\nset yrange [{}:-0.5] noreverse\nset ytics noenhanced\nunset key\n"
      "plot 'comparison.csv' using 3:0:4:5:ytic(1) skip 1 with xerrorbars pt 7 lc rgb '#1f77b4'",
      score_name(trials), static_cast<double>(comparison.rows.size()) - 0.5);
}

void write_comparison(const fs::path& folder, const SweepComparison& comparison, const Trials& trials,
                      const ComparisonOptions& options) {
  write_file_atomically(folder / "comparison.csv", comparison_csv(comparison, options));
  write_figure(folder, "comparison",
               "unset logscale\nset format xy '%g'\n" + (options.x.empty()
                                                             ? points_figure(comparison, trials)
                                                             : lines_figure(comparison, trials, options)));
}

int run_compare(const CompareCommand& command) {
  check_result_folder(command.to, "comparison.csv");
  const SweepPlan plan = plan_of_folder(command.sweep);
  const Trials trials = trials_of(plan, states_of(plan), command.downstream, is_cost(command.options.x));
  const SweepComparison comparison = compare(trials, command.options);
  if (!command.to.empty()) make_parent_directory(fs::path(command.to) / "comparison.csv");
  std::cout << (command.json ? comparison_json(comparison, trials, command.options)
                             : comparison_text(comparison, trials, command.options) +
                                   remarks_text(comparison, trials));
  if (!command.to.empty()) write_comparison(command.to, comparison, trials, command.options);
  return 0;
}

}  // namespace

Action add_compare_command(CLI::App& app) {
  auto o = std::make_shared<CompareCommand>();
  app.add_option("DIR", o->sweep, "the sweep's folder")->required();
  app.add_option("--by", o->options.by, "what to compare: a row for each value of these [all that vary]")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("KEY,KEY,…");
  app.add_option("--x", o->options.x, "one more, of numbers, or parameters or macs: an axis")
      ->type_name("KEY");
  app.add_option("--against", o->options.against, "show differences to the row of this name")
      ->type_name("NAME");
  app.add_option("--downstream", o->downstream, "compare what `then` calls so in the trainings' place")
      ->type_name("NAME");
  app.add_option("--to", o->to, "write comparison.csv and a figure there")->type_name("DIR");
  app.add_flag("--json", o->json, "print JSON");
  app.footer(examples(
      {"smlp sweep compare runs/sweep --by model.name --x data.fraction"},
      "Runs that differ in the seed alone are one sample. Of all settings that are neither in --by nor\n"
      "--x, each row has those of the best mean score at the end of training: of the held-out part\n"
      "(data.holdout), or of the test split if not all runs have one. A grid's label is compared as "
      "`label`,\n"
      "the epoch whose weights --downstream starts from as `epoch`."));
  return [o] { return run_compare(*o); };
}

}  // namespace smlp
