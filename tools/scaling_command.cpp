#include <algorithm>
#include <iostream>
#include <limits>

#include "command.hpp"
#include "examples.hpp"
#include "number_options.hpp"
#include "scaling_figures.hpp"
#include "scaling_output.hpp"
#include "scaling_points.hpp"
#include "smlp/analysis/benchmarks.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t largest_table = std::uint64_t{64} << 20;

struct ScalingCommand {
  StudyOptions options;
  std::string table, error_column = "error", downstream, model, data, to, from;
  std::vector<std::string> measured;
  double epochs = 0, compute = 0;
  bool huber = false, json = false;
};

RunPoints points_of(const ScalingCommand& command) {
  fs::path file = command.table;
  if (!command.downstream.empty()) {
    RunPoints found = downstream_points(file, command.downstream);
    if (!found.points.empty()) return found;
    fail(ErrorKind::data, "{}: no finished run in it is called …--{}, as `then` of a sweep names them",
         command.table, command.downstream);
  }
  if (fs::exists(file / "fit.json")) file /= "points.csv";
  if (fs::is_directory(file)) return run_points(file);
  return {parse_points(read_file(file, largest_table), file.string(), command.error_column), {}, {}};
}

void keep_chosen(RunPoints& table, const ScalingCommand& command) {
  RunPoints kept;
  for (std::size_t i = 0; i < table.points.size(); ++i) {
    const ScalingPoint& point = table.points[i];
    if (command.epochs > 0 && point.epochs != command.epochs) continue;
    if (!point.model.starts_with(command.model)) continue;
    if (!command.data.empty() && (table.data.empty() || table.data[i] != command.data)) continue;
    kept.points.push_back(point);
    if (!table.data.empty()) kept.data.push_back(table.data[i]);
    if (!table.upstream.empty()) kept.upstream.push_back(table.upstream[i]);
  }
  table = std::move(kept);
}

// One law is of one task.
void check_one_data_set(const RunPoints& table) {
  std::map<std::string, int> counts;
  for (const std::string& root : table.data) ++counts[root];
  if (counts.size() < 2) return;
  std::vector<std::string> sets;
  for (const auto& [root, count] : counts) sets.push_back(fmt::format("{} of {}", count, printable(root)));
  fail(ErrorKind::data, "the points are of trainings on different data sets: {}; choose one with --data ROOT",
       fmt::join(sets, ", "));
}

int run_fit(ScalingCommand& command) {
  if (!command.to.empty()) check_study_folder(command.to);
  RunPoints table = points_of(command);
  for (const std::string& line : table.warnings) log().warn("{}", printable(line));
  keep_chosen(table, command);
  if (table.points.empty())
    fail(ErrorKind::data, "{}: no points{}{}", command.table,
         command.epochs > 0 ? fmt::format(" of {} epochs", command.epochs) : "",
         (command.model.empty() ? "" : fmt::format(" of a model called {}…", command.model)) +
             (command.data.empty() ? "" : fmt::format(" trained on {}", command.data)));
  check_one_data_set(table);
  if (command.huber) command.options.objective = Objective::huber_log;
  const Study study = study_scaling(table.points, command.options);
  std::cout << (command.json ? study_json(study, command.options) : study_text(study));
  if (!command.to.empty()) write_study(command.to, study, command.options);
  if (!command.to.empty() && !table.upstream.empty())
    write_transfer(command.to, table.points, table.upstream);
  return 0;
}

// By the steps that a file of `smlp bench step --json` measured, here or on another machine.
std::string time_at_rate(const std::string& path, const Plan& plan, double compute) {
  const std::vector<BenchRow> rows = parse_bench_json(read_file(path, largest_table), path);
  std::string text;
  for (const BenchRow& row : rows) {
    if (row.kind != "step") continue;
    const double rate = 3 * static_cast<double>(row.macs) * row.images_per_s;
    text += fmt::format(
        "{:<10}  {} on {} in {}, at {:.3g} multiply-accumulates a second of {} with {} parameters", "time",
        human_time(compute / rate), printable(row.processor), printable(row.precision), rate,
        printable(row.model), human_count(static_cast<double>(row.parameters)));
    const double ratio = static_cast<double>(row.parameters) / plan.parameters.value;
    constexpr double alike = 4;
    text += ratio > alike || ratio < 1 / alike ? ": of another size, whose rate may be another\n" : "\n";
  }
  if (text.empty())
    fail(ErrorKind::usage,
         "{}: it measures no training step: `smlp bench step --model NAME --json > FILE` does", path);
  return text;
}

int run_plan(const ScalingCommand& command) {
  const fs::path given = command.from, file = fs::is_directory(given) ? given / "fit.json" : given;
  const FittedScaling laws = parse_study(read_file(file, largest_table), file.string());
  const Plan plan = plan_training(laws, command.compute);
  std::string times;
  for (const std::string& path : command.measured) times += time_at_rate(path, plan, command.compute);
  std::cout << plan_text(plan, command.compute) << times;
  return 0;
}

}  // namespace

Action add_scaling_command(CLI::App& app) {
  auto o = std::make_shared<ScalingCommand>();
  app.require_subcommand(1);
  CLI::App* fit = app.add_subcommand("fit", "laws of the error over compute, model size and images");
  fit->add_option("FROM", o->table,
                  "a folder of runs or of an earlier fit, or a CSV with a head: columns parameters, macs, "
                  "images, epochs, error; if "
                  "there are, model and seed")
      ->required();
  fit->add_option(
         "--error", o->error_column,
         "a CSV's column of errors (a part of one), or, if its name ends in top1, of accuracies in %")
      ->capture_default_str();
  fit->add_option(
         "--downstream", o->downstream,
         "of a sweep's folder: the error is that of the runs that `then` calls so, the compute that of "
         "the trainings that they follow")
      ->type_name("NAME");
  fit->add_option("--data", o->data, "of a folder's runs only points of trainings on this data set")
      ->type_name("ROOT");
  fit->add_option("--model", o->model, "only points of models whose name begins so")->type_name("NAME");
  fit->add_option("--epochs", o->epochs, "only points of so many epochs")->check(above_zero);
  fit->add_flag("--huber", o->huber, "Huber's loss of the error's logarithm instead of least squares");
  fit->add_option("--resamples", o->options.resamples,
                  "drawings of the points that give the intervals; 0: none")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  fit->add_option("--seed", o->options.seed, "of the drawings")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()))
      ->capture_default_str();
  fit->add_option("--to", o->to, "a folder for fit.json, CSV files and figures")->type_name("DIR");
  fit->add_flag("--json", o->json, "print JSON");
  fit->footer(examples({"smlp scaling fit scaling.csv --resamples 50 --to fit",
                        "smlp scaling fit scaling.csv --resamples 50 --epochs 50 --huber"}));

  CLI::App* plan = app.add_subcommand("plan", "what to train with so much compute, and what comes of it");
  plan->add_option("--compute", o->compute, "multiply-accumulates: 3 · MACs · images · epochs")
      ->check(above_zero)
      ->required();
  plan->add_option("--from", o->from, "what `smlp scaling fit --to` wrote")->required();
  plan->add_option(
          "--bench", o->measured,
          "also the time it takes: by the rate that `smlp bench step --json` measured, on this machine or "
          "another (repeatable)")
      ->type_name("FILE.json");
  plan->footer(examples({"smlp scaling plan --compute 1e15 --from fit",
                         "smlp bench step --model B-6/256 --classes 200 --json > step.json",
                         "smlp scaling plan --compute 1e15 --from fit --bench step.json"}));
  app.footer(
      examples({"smlp scaling fit scaling.csv --to fit", "smlp scaling plan --compute 1e15 --from fit"}));
  return [o, fit] { return fit->parsed() ? run_fit(*o) : run_plan(*o); };
}

}  // namespace smlp
