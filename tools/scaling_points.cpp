#include "scaling_points.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "run_rows.hpp"
#include "smlp/core/error.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/run/results.hpp"
#include "smlp/run/sessions.hpp"
#include "smlp/run/step_plan.hpp"
#include "smlp/train/config_files.hpp"

namespace smlp {
namespace {

// All but epochs and error.
ScalingPoint point_of(const fs::path& run, const RunConfig& config) {
  if (config.init.from)
    fail(ErrorKind::data, "{}: it starts from {}, whose training its own compute does not count",
         run.string(), *config.init.from);
  const auto classes = static_cast<int>(read_state(find_checkpoint(run)).classes.size());
  const CostRow costs = total(config.model->costs(config.data.image_size, classes));
  ScalingPoint point;
  point.model = fmt::format("{} ({})", config.model.name, config.model->sizes());
  point.parameters = static_cast<double>(costs.parameters);
  point.macs = static_cast<double>(costs.macs);
  point.images = static_cast<double>(images_of_epoch(run, config.data.subset));
  point.seed = static_cast<std::int64_t>(config.run.seed);
  return point;
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

void add_run(const fs::path& run, RunPoints& found) {
  const RunConfig config = load_run_config((run / "config.yaml").string(), {});
  if (config.init.from) {
    ++found.followers;
    return;
  }
  ScalingPoint point = point_of(run, config);
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
void add_follower(const fs::path& run, RunPoints& found) {
  const RunConfig config = load_run_config((run / "config.yaml").string(), {});
  const Evaluation last = usable_evaluations(run).back();
  if (!config.init.from || last.epoch < static_cast<double>(config.train.epochs))
    fail(ErrorKind::data, "{}: it is not finished, or follows no run", run.string());
  const fs::path checkpoint = *config.init.from;
  const fs::path upstream = run.parent_path() / checkpoint.parent_path().parent_path().filename();
  const RunConfig trained = load_run_config((upstream / "config.yaml").string(), {});
  ScalingPoint point = point_of(upstream, trained);
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
  found.upstream.push_back(own);
}

RunPoints collect(const fs::path& folder, const std::string& ending,
                  void (*add)(const fs::path&, RunPoints&)) {
  RunPoints found;
  Listing listing = list_runs({folder.string()});
  found.warnings = std::move(listing.left_out);
  for (const Row& row : listing.rows) {
    const fs::path run = row.at("path").get<std::string>();
    if (!run.filename().string().ends_with(ending)) continue;
    try {
      add(run, found);
    } catch (const Error& error) {
      found.warnings.push_back(fmt::format("{}: left out: {}", run.string(), error.what()));
    }
  }
  return found;
}

}  // namespace

RunPoints run_points(const fs::path& folder) {
  RunPoints found = collect(folder, "", add_run);
  if (found.followers > 0)
    found.warnings.push_back(fmt::format(
        "{}: left out: {} from other weights, whose training their own compute does not count; "
        "--downstream fits those of a sweep",
        folder.string(),
        found.followers == 1 ? "a run that starts" : fmt::format("{} runs that start", found.followers)));
  return found;
}

RunPoints downstream_points(const fs::path& folder, const std::string& name) {
  return collect(folder, "--" + name, add_follower);
}

}  // namespace smlp
