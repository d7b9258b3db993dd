#include "scaling_points.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "run_rows.hpp"
#include "smlp/core/error.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/run/results.hpp"
#include "smlp/run/sessions.hpp"
#include "smlp/train/config_files.hpp"

namespace smlp {
namespace {

void add_run(const fs::path& run, std::vector<ScalingPoint>& points) {
  const RunConfig config = load_run_config((run / "config.yaml").string(), {});
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
  std::vector<Evaluation> evaluations = read_results(run).evaluations;
  std::erase_if(evaluations, [](const Evaluation& e) { return !(e.score() == e.score()) || !(e.epoch > 0); });
  if (evaluations.empty()) fail(ErrorKind::data, "{}: it has no evaluation", run.string());
  const bool constant = config.schedule.name == "constant";
  if (!constant) evaluations.erase(evaluations.begin(), evaluations.end() - 1);
  if (!constant && evaluations[0].epoch < static_cast<double>(config.train.epochs))
    fail(ErrorKind::data, "{}: its rate is made for {} epochs, and {} are done", run.string(),
         config.train.epochs, evaluations[0].epoch);
  for (const Evaluation& evaluation : evaluations) {
    point.epochs = evaluation.epoch;
    point.error = 1 - evaluation.score() / 100;
    points.push_back(point);
  }
}

}  // namespace

PointTable run_points(const fs::path& folder) {
  PointTable table;
  Listing listing = list_runs({folder.string()});
  table.warnings = std::move(listing.left_out);
  for (const Row& row : listing.rows) {
    const fs::path run = row.at("path").get<std::string>();
    try {
      add_run(run, table.points);
    } catch (const Error& error) {
      table.warnings.push_back(fmt::format("{}: left out: {}", run.string(), error.what()));
    }
  }
  return table;
}

}  // namespace smlp
