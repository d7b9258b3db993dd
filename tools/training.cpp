#include "training.hpp"

#include <iostream>
#include <regex>
#include <set>

#include "mean_deviation.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/text.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/run_folder.hpp"
#include "smlp/train/session.hpp"
#include "smlp/train/transfer.hpp"

namespace smlp {
namespace {

// `--resume PATH` alone takes the run's own configuration. None: the defaults.
std::optional<std::string> config_file(const TrainingOptions& options) {
  if (options.config.file()) return *options.config.file();
  if (options.resume && *options.resume != "auto") return config_of_run(*options.resume).string();
  return options.default_config;
}

// What a checkpoint brings is not to be changed beside it.
void check_transferred(const RunConfig& config, const RunConfig& brought, Origins& origins,
                       const std::string& from) {
  for (const auto& [key, same] : {std::pair("model.name", config.model.name == brought.model.name),
                                  std::pair("init.from", config.init.from == brought.init.from)})
    if (!same)
      fail(ErrorKind::usage, "{} takes the place of the model and weights of {}: leave it out", origins[key],
           from);
}

void check_data_is_named(const RunConfig& config, const TrainingOptions& options, bool has_file,
                         const Origins& origins) {
  const bool empty = config.data.root.empty();  // of imported weights
  const bool names_data = origins.contains("data.root") && !empty;
  if (!names_data && (options.transfers || empty))
    fail(ErrorKind::usage, "nothing to train on: give --data ROOT, a packed data set");
  if (!has_file && !options.transfers && !(names_data && origins.contains("model.name")))
    fail(ErrorKind::usage,
         "nothing to train: give a configuration (--config FILE; `smlp train --help` lists those shipped), "
         "or --model NAME --data ROOT, or --resume RUN");
}

void check_said_once(const TrainingOptions& options, const Origins& origins) {
  const auto seed = origins.find("run.seed");
  if (!options.seeds.empty() && seed != origins.end() && seed->second.starts_with("--"))
    fail(ErrorKind::usage, "{} beside --seeds {}: say one of them", seed->second,
         fmt::join(options.seeds, ","));
}

// Solving for the head uses nothing of what guides a training.
void warn_of_unused(const RunConfig& config, const Origins& origins) {
  if (config.train.method != TrainConfig::Method::ridge) return;
  for (const auto& [key, origin] : origins)
    for (const std::string unused : {"optim.", "schedule.", "loss.", "train.epochs"})
      if (key.starts_with(unused) && origin.starts_with("--") && !key.starts_with("optim.groups"))
        log().warn("{} is not used: train.method ridge solves for the head in one step", origin);
}

RunConfig load_config(const TrainingOptions& options) {
  std::optional<ConfigNode> layer;
  if (options.from) layer = transfer_layer(*options.from, options.best);
  const std::optional<std::string> file = config_file(options);
  Origins origins;
  RunConfig config = load_run_config(file, options.config.overrides(), &origins, layer);
  if (options.from)
    check_transferred(config, load_run_config(std::nullopt, {}, nullptr, layer), origins, *options.from);
  check_data_is_named(config, options, file.has_value(), origins);
  check_said_once(options, origins);
  warn_of_unused(config, origins);
  return config;
}

std::string result_line(const char* name, std::int64_t epoch, double top1, double top5, bool has_top5) {
  const std::string more = has_top5 ? fmt::format("  top5 {:6.2f} %", top5) : "";
  return fmt::format("{}  epoch {:<4} top1 {:6.2f} %{}", name, epoch, top1, more);
}

void print(const Outcome& o) {
  const std::string on_device =
      o.device_memory == 0
          ? ""
          : fmt::format("; {} on the device", human_bytes(static_cast<double>(o.device_memory)));
  std::cout << result_line("last", o.epochs, o.top1, o.top5, o.has_top5)
            << (o.out_of_patience ? "  (ended early by train.patience)\n" : "\n")
            << result_line("best", o.best.epoch, o.best.top1, o.best.top5, o.has_top5)
            << fmt::format("  ({})\n",
                           o.chosen_on_test
                               ? "chosen on test data"
                               : fmt::format("chosen by {:.2f} % on the held-out part", o.best.score))
            << fmt::format("run   {}  (memory {}, mapped data not counted{})\n", o.run.string(),
                           human_bytes(static_cast<double>(o.memory)), on_device)
            << std::flush;
}

// The exit code.
int report(const Outcome& outcome) {
  switch (outcome.end) {
    case Outcome::End::planned:
      std::cout << outcome.plan << "\n";
      return 0;
    case Outcome::End::stopped:
      log().warn("stopped at step {}; everything is saved: go on with --resume {}", outcome.step,
                 outcome.run.string());
      return 128 + stop_signal();
    case Outcome::End::finished:
      print(outcome);
      return 0;
  }
  return 0;
}

// "3", or "0-4" for every one from 0 to 4.
std::vector<std::int64_t> parse_seeds(const std::vector<std::string>& words) {
  constexpr std::int64_t most = 1000;
  static const std::regex form(R"((\d{1,10})(?:-(\d{1,10}))?)");
  std::vector<std::int64_t> seeds;
  for (const std::string& word : words) {
    std::smatch match;
    const bool matched = word.size() < 32 && std::regex_match(word, match, form);
    const std::int64_t first = matched ? std::stoll(match[1]) : 0,
                       last = matched && match[2].matched ? std::stoll(match[2]) : first;
    if (!matched || last < first || last - first >= most)
      fail(ErrorKind::usage, "--seeds {}: expected seeds as 0,1,2 or 0-4, up to {} of them", word, most);
    for (std::int64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
  }
  return seeds;
}

// Every seed's run, checked before the first trains.
std::vector<RunConfig> runs_of_seeds(const RunConfig& config, const std::vector<std::int64_t>& seeds,
                                     const SessionOptions& options) {
  if (std::set(seeds.begin(), seeds.end()).size() != seeds.size())
    fail(ErrorKind::usage, "--seeds {}: a seed is said twice", fmt::join(seeds, ","));
  if (options.resume && *options.resume != "auto")
    fail(ErrorKind::usage, "--resume {}: it is one run; with --seeds give --resume auto", *options.resume);
  std::vector<RunConfig> runs;
  for (const std::int64_t seed : seeds) {
    runs.push_back(with_seed(config, seed));
    if (!options.resume && !options.dry_run) check_name_is_free(runs.back().run);
  }
  return runs;
}

std::string accuracy_text(const std::vector<double>& top1) {
  const MeanDeviation m = mean_deviation(top1);
  return top1.size() == 1 ? fmt::format("{:.2f} %", m.mean)
                          : fmt::format("{:.2f} ± {:.2f} %", m.mean, m.deviation);
}

int train_seeds(const RunConfig& config, const std::vector<std::int64_t>& seeds,
                const SessionOptions& options) {
  std::vector<double> last, best;
  for (RunConfig& run : runs_of_seeds(config, seeds, options)) {
    log().info("seed {}", run.run.seed);
    const Outcome outcome = run_session(std::move(run), options);
    const int code = report(outcome);
    if (outcome.end == Outcome::End::planned && seeds.size() > 1)
      std::cout << fmt::format("seeds      {} such runs: {} here\n", seeds.size(),
                               human_time(outcome.seconds * static_cast<double>(seeds.size())));
    if (outcome.end != Outcome::End::finished) return code;
    last.push_back(outcome.top1);
    best.push_back(outcome.best.top1);
  }
  std::cout << fmt::format("seeds {}: last top1 {}, best top1 {}\n", fmt::join(seeds, ","),
                           accuracy_text(last), accuracy_text(best));
  return 0;
}

}  // namespace

void add_training_options(CLI::App& app, TrainingOptions& options) {
  options.config.add_to(app,
                        options.transfers ? ConfigOptions::File::option : ConfigOptions::File::positional);
  app.add_option(
         "--resume", options.resume,
         "go on with a run: auto (the one of this --name, or the newest of this configuration; a new one "
         "if there is none), a run folder, or a checkpoint")
      ->type_name("auto|PATH");
  app.add_option("--seeds", options.seeds, "train once with each seed and print mean ± deviation")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("0,1,2|0-4");
  app.add_flag(
      "--dry-run", options.dry_run,
      "build everything, measure a few steps, print what the run would cost and take; write nothing");
}

void add_from_option(CLI::App& app, TrainingOptions& options) {
  options.transfers = true;
  app.add_option("FROM,--from", options.from,
                 "what to start from: a run, a checkpoint, or a file of weights; its model and weights")
      ->type_name("RUN_OR_CHECKPOINT");
  app.add_flag("--best", options.best, "the run's best checkpoint instead of its last");
}

int run_training(const TrainingOptions& options) {
  RunConfig config = load_config(options);
  const SessionOptions session{
      .resume = options.resume, .dry_run = options.dry_run, .needs_weights = options.transfers};
  if (!options.seeds.empty()) return train_seeds(config, parse_seeds(options.seeds), session);
  return report(run_session(std::move(config), session));
}

}  // namespace smlp
