#pragma once
#include <memory>
#include <string>
#include <vector>

#include "smlp/data/dataset.hpp"
#include "smlp/data/subset.hpp"
#include "smlp/device/device.hpp"
#include "smlp/dist/world.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/optim/optimizer.hpp"
#include "smlp/run/step_plan.hpp"
#include "smlp/train/resolve.hpp"

namespace smlp {

// The images a run trains on, those set aside of them to choose the best epoch, and the test split.
enum class Part { train, holdout, test };

struct PartImages {
  std::shared_ptr<const Dataset> dataset;   // null: the run has no such part
  const std::vector<std::int64_t>* chosen;  // of its images; empty: all of them
};

// What a configuration stands for on this machine: device, data and model, built and checked against one
// another.
struct Experiment {
  RunConfig config;  // as asked; config.resolved is what is used
  std::shared_ptr<World> world;
  Device device;
  std::shared_ptr<const Dataset> train_set;
  std::shared_ptr<const Dataset> test_set;  // null: the pack has no test split, and data.holdout > 0
  Subset subset;
  ChannelStatistics normalization;
  std::string normalization_from;  // where that is from, in a few words
  std::shared_ptr<Model> model;    // null: not built yet
  std::vector<Parameter> trained;  // of the model, with the rates of optim.groups; the others are frozen
  StepPlan plan;                   // one step of all images for a head that is solved for

  std::uint64_t seed() const { return static_cast<std::uint64_t>(config.run.seed); }
  int workers() const { return static_cast<int>(config.resolved->workers); }  // threads that render batches
  int image_size() const { return static_cast<int>(config.data.image_size); }
  bool body_frozen() const;     // only the head is trained; before the model is built: something is frozen
  bool keeps_features() const;  // of a frozen body and images that are the same in every epoch
  bool solves_head() const { return config.train.method == TrainConfig::Method::ridge; }  // in one step
  PartImages images_of(Part part) const;
  std::vector<CostRow> costs() const;  // of the model, layer by layer
  std::int64_t window_images() const;  // of data.order windowed; 0: random
  ScheduleSpan schedule_span(const StepPlan& of) const;
  double rate_at(std::int64_t step, const StepPlan& of) const;  // of parameters without a rate of their own
};

// Opens device and data. Train and test must have the same class list. `auto` is resolved for this machine
// and data, with a line in the log where config.resolved says something else; for a run that goes on it stays
// what config.resolved says.
enum class Resolve { anew, as_before };
Experiment plan_experiment(RunConfig config, std::shared_ptr<World> world = std::make_shared<World>(),
                           Resolve resolve = Resolve::anew);

// Builds the model on the device, weights drawn from run.seed. Interrupted where a stop is asked for.
void build_model(Experiment& planned);

// Both.
Experiment make_experiment(RunConfig config, std::shared_ptr<World> world = std::make_shared<World>(),
                           Resolve resolve = Resolve::anew);

}  // namespace smlp
