#include "training.hpp"

#include <cmath>
#include <iostream>

#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/text.hpp"
#include "smlp/train/trainer.hpp"
#include "smlp/train/transfer.hpp"

namespace smlp {
namespace {

constexpr std::int64_t few_steps = 200;

// Where a run goes on from.
struct Resume {
  std::filesystem::path run;
  std::optional<std::filesystem::path> checkpoint;  // none: it was cut off before its first one
};

Resume at_run(const std::filesystem::path& run) {
  const std::filesystem::path last = run / "checkpoints" / "last";
  if (std::filesystem::is_symlink(last) && !std::filesystem::exists(last))
    fail(ErrorKind::data, "{} points to {}, which is not there; put it back, or remove the run's folder",
         last.string(), std::filesystem::read_symlink(last).string());
  if (!std::filesystem::exists(last)) return {run, std::nullopt};
  return {run, find_checkpoint(run)};
}

std::optional<Resume> find_resume(const TrainingOptions& options, const RunConfig& config) {
  if (!options.resume) return std::nullopt;
  if (*options.resume == "auto") {
    const auto run = find_resumable(config);
    return run ? std::optional(at_run(*run)) : std::nullopt;
  }
  const std::filesystem::path path = *options.resume;
  if (std::filesystem::exists(path / "config.yaml")) return at_run(path);
  const std::filesystem::path checkpoint = find_checkpoint(path);
  return Resume{checkpoint.parent_path().parent_path(), checkpoint};
}

// `--resume PATH` alone takes the run's own configuration.
std::optional<std::string> config_file(const TrainingOptions& options) {
  if (options.config.file()) return options.config.file();
  const bool of_run = options.resume && *options.resume != "auto";
  if (options.default_config && !of_run) return options.default_config;
  if (!of_run)
    fail(ErrorKind::usage,
         "nothing to train: give --config FILE (`smlp train --help` lists those shipped), or --resume RUN");
  const std::filesystem::path path = *options.resume;
  if (std::filesystem::exists(path / "config.yaml")) return (path / "config.yaml").string();
  return (find_checkpoint(path).parent_path().parent_path() / "config.yaml").string();
}

RunConfig load_config(const TrainingOptions& options, std::optional<std::int64_t> seed) {
  std::vector<ConfigNode> overrides = options.config.overrides();
  if (seed)
    overrides.push_back(make_override("run.seed", std::to_string(*seed), fmt::format("--seeds {}", *seed)));
  std::optional<ConfigNode> layer;
  if (options.from) layer = transfer_layer(*options.from, options.best);
  Origins origins;
  RunConfig config = load_run_config(config_file(options), std::move(overrides), &origins, std::move(layer));
  if (options.from && !config.model->init_from)
    fail(ErrorKind::usage, "{} takes the place of the model and weights of {}: leave it out",
         origins[origins.contains("model.init_from") ? "model.init_from" : "model.name"], *options.from);
  if (options.transfers && !origins.contains("data.root"))
    fail(ErrorKind::usage, "nothing to train on: give --data ROOT, a packed data set");
  if (seed && config.run.name) config.run.name = fmt::format("{}-seed{}", *config.run.name, *seed);
  return config;
}

void print_result(const TrainResult& result, std::int64_t epochs, const Experiment& experiment,
                  const std::filesystem::path& run) {
  const char* chosen =
      experiment.subset.holdout.empty() ? "chosen on test data" : "chosen on the held-out part";
  std::cout << fmt::format("last  epoch {:<4} top1 {:6.2f} %  top5 {:6.2f} %\n", epochs, result.last->top1,
                           result.last->top5)
            << fmt::format("best  epoch {:<4} top1 {:6.2f} %  top5 {:6.2f} %  ({})\n", result.best.epoch,
                           result.best.top1, result.best.top5, chosen)
            << fmt::format("run   {}  (memory {}, mapped data not counted)\n", run.string(),
                           human_bytes(static_cast<double>(result.memory)))
            << std::flush;
}

struct Outcome {
  int exit_code = 0;
  TrainResult result;
};

Outcome train_once(const TrainingOptions& options, std::optional<std::int64_t> seed) {
  RunConfig config = load_config(options, seed);
  const std::optional<Resume> resume = find_resume(options, config);
  if (options.transfers && !options.from && !resume)
    fail(ErrorKind::usage, "nothing to start from: give --from RUN_OR_CHECKPOINT, or --resume RUN");
  if (resume) check_same_run(config, resume->run);
  Experiment experiment = make_experiment(std::move(config));
  const bool goes_on = resume && resume->checkpoint;
  const std::string weights = goes_on ? "" : load_initial_weights(experiment);
  if (!weights.empty()) log().info("{}", weights);
  const bool probes = experiment.body_frozen() && !experiment.solves_head();
  if (probes && experiment.config.model->new_head && !goes_on && experiment.total_steps() < few_steps)
    log().warn(
        "{} steps are few for a new head: raise --epochs or --lr, lower --batch-size, or use `smlp probe "
        "--method ridge`",
        experiment.total_steps());
  if (options.dry_run) {
    std::cout << describe(experiment) << "\n" << describe_cost(experiment) << "\n";
    return {};
  }
  std::filesystem::path run;
  if (resume) {
    run = resume->run;
    experiment.config.run.name = std::filesystem::absolute(run).filename().string();
    experiment.config.run.output = run.has_parent_path() ? run.parent_path().string() : ".";
  } else {
    run = make_run_folder(experiment);
  }
  Trainer trainer(experiment, run, resume ? resume->checkpoint : std::nullopt);
  const TrainResult result = trainer.run();
  if (!result.finished) {
    log().warn("stopped at step {}; everything is saved: go on with --resume {}", result.step, run.string());
    return {128 + stop_signal(), result};
  }
  print_result(result, experiment.config.train.epochs, experiment, run);
  return {0, result};
}

struct MeanDeviation {
  double mean, deviation;
};

MeanDeviation mean_deviation(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  const double mean = sum / static_cast<double>(values.size());
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, values.size() > 1 ? std::sqrt(squares / static_cast<double>(values.size() - 1)) : 0};
}

int train_seeds(const TrainingOptions& options) {
  std::vector<double> last, best;
  for (const std::int64_t seed : options.seeds) {
    log().info("seed {}", seed);
    const Outcome outcome = train_once(options, seed);
    if (outcome.exit_code != 0 || options.dry_run) return outcome.exit_code;
    last.push_back(outcome.result.last->top1);
    best.push_back(outcome.result.best.top1);
  }
  const MeanDeviation l = mean_deviation(last), b = mean_deviation(best);
  std::cout << fmt::format("seeds {}: last top1 {:.2f} ± {:.2f} %, best top1 {:.2f} ± {:.2f} %\n",
                           fmt::join(options.seeds, ","), l.mean, l.deviation, b.mean, b.deviation);
  return 0;
}

}  // namespace

void add_training_options(CLI::App& app, TrainingOptions& options) {
  options.config.add_to(app, true);
  app.add_option(
         "--resume", options.resume,
         "go on with a run: auto (the one of this --name, or the newest of this configuration; a new one "
         "if there is none), a run folder, or a checkpoint")
      ->type_name("auto|PATH");
  app.add_option("--seeds", options.seeds, "train once with each seed and print mean ± deviation")
      ->delimiter(',')
      ->type_name("S,S,…");
  app.add_flag("--dry-run", options.dry_run, "build everything, print what it would cost, train nothing");
}

void add_from_option(CLI::App& app, TrainingOptions& options) {
  options.transfers = true;
  app.add_option("--from", options.from, "the run or checkpoint to start from: its model and weights")
      ->type_name("RUN_OR_CHECKPOINT");
  app.add_flag("--best", options.best, "the run's best checkpoint instead of its last");
}

int run_training(const TrainingOptions& options) {
  return options.seeds.empty() ? train_once(options, std::nullopt).exit_code : train_seeds(options);
}

}  // namespace smlp
