#include "scaling_points.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>

#include "run_rows.hpp"
#include "smlp/core/error.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/run/results.hpp"
#include "smlp/run/sessions.hpp"
#include "smlp/run/step_plan.hpp"
#include "smlp/train/config_files.hpp"

namespace smlp {
namespace {

// Of one folder's runs.
class Collector {
 public:
  RunPoints found;

  void add_run(const fs::path& run);
  void add_follower(const fs::path& run);

 private:
  struct Training {
    ScalingPoint point;  // all but epochs and error
    std::string data;
  };
  Training training_of(const fs::path& run, const RunConfig& config);

  std::map<std::string, std::string> roots_;  // by the images' fingerprint
};

Collector::Training Collector::training_of(const fs::path& run, const RunConfig& config) {
  if (config.init.from)
    fail(ErrorKind::data, "{}: it starts from {}, whose training its own compute does not count",
         run.string(), *config.init.from);
  const TrainingState state = read_state(find_checkpoint(run));
  const CostRow costs =
      total(config.model->costs(config.data.image_size, static_cast<int>(state.classes.size())));
  ScalingPoint point;
  point.model = fmt::format("{} ({})", config.model.name, config.model->sizes());
  point.parameters = static_cast<double>(costs.parameters);
  point.macs = static_cast<double>(costs.macs);
  point.images = static_cast<double>(images_of_epoch(run, config.data.subset));
  point.seed = static_cast<std::int64_t>(config.run.seed);
  return {point, roots_.emplace(state.data_fingerprint, config.data.root).first->second};
}

double error_of(const Evaluation& evaluation) {
  return 1 - evaluation.score() / 100;
}

std::vector<Evaluation> usable_evaluations(const fs::path& run) {
  std::vector<Evaluation> evaluations = read_results(run).evaluations;
  std::erase_if(evaluations, [](const Evaluation& e) { return !(e.score() == e.score()) || !(e.epoch > 0); });
  if (evaluations.empty()) fail(ErrorKind::data, "{}: it has no evaluation", run.string());
  return evaluations;
}

void Collector::add_run(const fs::path& run) {
  const RunConfig config = load_run_config((run / "config.yaml").string(), {});
  if (config.init.from) {
    ++found.followers;
    return;
  }
  auto [point, data] = training_of(run, config);
  std::vector<Evaluation> evaluations = usable_evaluations(run);
  const bool constant = config.schedule.name == "constant";
  if (!constant) evaluations.erase(evaluations.begin(), evaluations.end() - 1);
  if (!constant && evaluations[0].epoch < static_cast<double>(config.train.epochs))
    fail(ErrorKind::data, "{}: its rate is made for {} epochs, and {} are done", run.string(),
         config.train.epochs, evaluations[0].epoch);
  for (const Evaluation& evaluation : evaluations) {
    point.epochs = evaluation.epoch;
    point.error = error_of(evaluation);
    found.points.push_back(point);
    found.data.push_back(data);
  }
}

// "step-000000040" → 40. Another name: Error(data).
std::int64_t step_of(const fs::path& checkpoint) {
  const std::string name = checkpoint.filename().string(), mark = "step-";
  if (!name.starts_with(mark) || name.find_first_not_of("0123456789", mark.size()) != std::string::npos)
    fail(ErrorKind::data, "{} is no checkpoint of a run, which says after how many steps",
         checkpoint.string());
  return std::stoll(name.substr(mark.size()));
}

// A run that follows another which lies beside it, wherever both were when it began.
void Collector::add_follower(const fs::path& run) {
  const RunConfig config = load_run_config((run / "config.yaml").string(), {});
  const Evaluation last = usable_evaluations(run).back();
  if (!config.init.from || last.epoch < static_cast<double>(config.train.epochs))
    fail(ErrorKind::data, "{}: it is not finished, or follows no run", run.string());
  const fs::path checkpoint = *config.init.from;
  const fs::path upstream = run.parent_path() / checkpoint.parent_path().parent_path().filename();
  const RunConfig trained = load_run_config((upstream / "config.yaml").string(), {});
  auto [point, data] = training_of(upstream, trained);
  const StepPlan steps{.images = static_cast<std::int64_t>(point.images),
                       .epochs = trained.train.epochs,
                       .batch_size = trained.train.batch_size};
  const std::int64_t step = step_of(checkpoint);
  point.epochs = static_cast<double>(steps.epochs_at(step));
  point.error = error_of(last);
  double own = Evaluation::none;
  for (const Evaluation& each : usable_evaluations(upstream))
    if (each.step == step) own = error_of(each);
  found.points.push_back(point);
  found.data.push_back(data);
  found.upstream.push_back(own);
}

// What is said of a run that failed, which may have evaluations from before.
std::string reason_of(const Row& row) {
  return row.at("reason").is_string() ? ": " + row.at("reason").get<std::string>() : "";
}

RunPoints collect(const fs::path& folder, const std::string& ending,
                  void (Collector::*add)(const fs::path&)) {
  Collector collector;
  RunPoints& found = collector.found;
  Listing listing = list_runs({folder.string()});
  found.warnings = std::move(listing.left_out);
  for (const Row& row : listing.rows) {
    const fs::path run = row.at("path").get<std::string>();
    if (!run.filename().string().ends_with(ending)) continue;
    try {
      if (row.at("status") == "failed")
        fail(ErrorKind::data, "{}: it failed{}", run.string(), reason_of(row));
      (collector.*add)(run);
    } catch (const Error& error) {
      const std::string why = error.what(), named = run.string() + ": ";
      found.warnings.push_back(named + "left out: " + why.substr(why.starts_with(named) ? named.size() : 0));
    }
  }
  return found;
}

}  // namespace

RunPoints run_points(const fs::path& folder) {
  RunPoints found = collect(folder, "", &Collector::add_run);
  if (found.followers > 0)
    found.warnings.push_back(fmt::format(
        "{}: left out: {} from other weights, whose training their own compute does not count; "
        "--downstream fits those of a sweep",
        folder.string(),
        found.followers == 1 ? "a run that starts" : fmt::format("{} runs that start", found.followers)));
  return found;
}

RunPoints downstream_points(const fs::path& folder, const std::string& name) {
  return collect(folder, "--" + name, &Collector::add_follower);
}

}  // namespace smlp
