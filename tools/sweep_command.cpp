#include <iostream>

#include "command.hpp"
#include "config_options.hpp"
#include "examples.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/sweep/worker.hpp"
#include "sweep_compare.hpp"
#include "sweep_coordinates.hpp"
#include "sweep_output.hpp"
#include "sweep_workers.hpp"

namespace smlp {
namespace {

struct SweepCommand {
  ConfigOptions config;
  std::string sweep;
  std::optional<std::int64_t> task;
  int jobs = 1;
  bool dry_run = false, json = false;
  std::int64_t worker_of = 0;  // the process that started this one to share its work; 0: none
};

void print_status(const SweepPlan& plan, const std::vector<JobState>& states, bool json) {
  std::cout << (json ? sweep_status_json(plan, states) : sweep_status_text(plan, states)) << std::flush;
}

bool all_finished(const SweepPlan& plan, const std::vector<JobState>& states,
                  std::optional<std::int64_t> task) {
  for (std::size_t i = 0; i < states.size(); ++i)
    if ((!task || plan.jobs[i].task == *task) && states[i].status != JobState::Status::finished) return false;
  return true;
}

int run_sweep(const SweepCommand& command) {
  if (command.sweep.empty())
    fail(ErrorKind::usage,
         "nothing to sweep over: give a configuration with a section `sweep`, or a sweep's folder");
  const SweepPlan plan = plan_sweep(command.sweep, command.config.overrides());
  if (command.task && *command.task >= plan.tasks)
    fail(ErrorKind::usage, "--task {}: the sweep has tasks 0 to {}", *command.task, plan.tasks - 1);
  if (command.dry_run) {
    const std::vector<JobCost> costs = price_sweep(plan);
    std::cout << (command.json ? sweep_cost_json(plan, costs) : sweep_cost_text(plan, costs));
    return 0;
  }
  if (command.worker_of != 0)
    stop_with_parent(command.worker_of);
  else
    open_sweep(plan, command.task);
  if (command.jobs > 1)
    run_sweep_workers(plan, command.jobs, command.task);
  else
    work_on_sweep(plan, command.task);
  const std::vector<JobState> states = states_of(plan);
  if (command.worker_of == 0) print_status(plan, states, command.json);
  if (stop_signal() != 0) return 128 + stop_signal();
  return all_finished(plan, states, command.task) ? 0 : static_cast<int>(ErrorKind::failed);
}

int show_status(const SweepCommand& command) {
  const SweepPlan plan = plan_of_folder(command.sweep);
  print_status(plan, states_of(plan), command.json);
  return 0;
}

void add_run_options(CLI::App& app, const std::shared_ptr<SweepCommand>& o) {
  app.add_option("SWEEP,--config", o->sweep,
                 "a configuration with a section `sweep`, or a sweep's folder, which is gone on with")
      ->type_name("FILE_OR_DIR");
  app.add_option("--jobs", o->jobs, "processes, which share the machine's threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--task", o->task, "only this training of the grid, from 0, and what follows it")
      ->check(CLI::Range(0, 9999));
  app.add_flag("--dry-run", o->dry_run, "list the runs with what they cost and take here; write nothing");
  app.add_flag("--json", o->json, "print JSON");
  app.add_option("--worker", o->worker_of)->group("");
  o->config.add_to(app, ConfigOptions::File::none);
}

constexpr const char* sweep_note =
    "A sweep's file is a run's configuration with one section more:\n"
    "  sweep:\n"
    "    grid: {model.name: [B-2/16, B-2/32], data.fraction: [0.5, 1], run.seed: [0, 1]}\n"
    "    then: {probe: {base: probe.yaml, data: {root: cifar10}}}\n"
    "Every combination is trained, in runs/NAME, NAME being the file's; `then` follows each of them, from "
    "its\n"
    "last weights and those of each epoch in checkpoint.keep_epochs. A list of grids is done one after the\n"
    "other; a grid's `label: NAME` names its runs. Finished runs are never repeated, "
    "begun\n"
    "ones go on, one that fails is tried again by the next call. Several machines may work on one folder.";

}  // namespace

Action add_sweep_command(CLI::App& app) {
  auto o = std::make_shared<SweepCommand>();
  app.require_subcommand(0, 1);
  add_run_options(app, o);
  CLI::App* run =
      app.add_subcommand("run", "the same as without a subcommand: train what is not finished yet");
  add_run_options(*run, o);
  run->footer(examples({"smlp sweep run runs/sweep --task 0"}, sweep_note));
  CLI::App* status = app.add_subcommand("status", "how far a sweep is, and the time left");
  status->add_option("DIR", o->sweep, "the sweep's folder")->required();
  status->add_flag("--json", o->json, "print JSON");
  status->footer(examples({"smlp sweep status runs/sweep"}));
  CLI::App* coordinates =
      app.add_subcommand("coordinates", "how a model's layers and their changes grow with its width");
  const Action check_coordinates = add_coordinates_command(*coordinates);
  CLI::App* compare = app.add_subcommand("compare", "scores of a sweep's runs by their settings, over seeds");
  const Action compare_runs = add_compare_command(*compare);
  app.footer(examples({"smlp sweep --config sweep.yaml --data data/cifar10 --dry-run",
                       "smlp sweep --config sweep.yaml --data data/cifar10 --jobs 2",
                       "smlp sweep run runs/sweep --task 0", "smlp sweep status runs/sweep"},
                      sweep_note));
  return [=] {
    if (coordinates->parsed()) return check_coordinates();
    if (compare->parsed()) return compare_runs();
    return status->parsed() ? show_status(*o) : run_sweep(*o);
  };
}

}  // namespace smlp
