#include "scaling_points.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "run_rows.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/run/results.hpp"
#include "smlp/train/config_files.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t largest_env = std::uint64_t{16} << 20;
constexpr int env_depth = 16;

// Those of an epoch. Runs of earlier versions say only how many there were to choose from.
double training_images(const fs::path& run, const SubsetConfig& subset) {
  const fs::path file = run / "env.json";
  const nlohmann::json env = parse_json(read_file(file, largest_env), file.string(), env_depth);
  const bool all = subset.fraction == 1 && subset.per_class == 0 && subset.holdout == 0;
  for (const char* key : {"/train/used", "/train/images"}) {
    const nlohmann::json::json_pointer images(key);
    if (env.contains(images) && env[images].is_number()) return env[images].get<double>();
    if (!all) break;
  }
  fail(ErrorKind::data, "{} does not say how many images an epoch had", file.string());
}

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
  point.images = training_images(run, config.data.subset);
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
