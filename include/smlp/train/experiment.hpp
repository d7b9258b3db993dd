#pragma once
#include <memory>
#include <string>
#include <vector>

#include "smlp/data/dataset.hpp"
#include "smlp/data/subset.hpp"
#include "smlp/device/device.hpp"
#include "smlp/models/model.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

// What a configuration stands for on this machine: device, data and model, built and checked against one
// another.
struct Experiment {
  RunConfig config;  // resolved: precision, device and normalisation are what is used
  Device device;
  std::shared_ptr<const Dataset> train_set;
  std::shared_ptr<const Dataset> test_set;  // null: the pack has no test split, and data.holdout > 0
  Subset subset;
  ChannelStatistics normalization;
  std::shared_ptr<Model> model;
  std::vector<Parameter> trained;  // of the model, with the rates of optim.groups; the others are frozen

  std::int64_t train_images() const { return static_cast<std::int64_t>(subset.train.size()); }
  bool body_frozen() const;     // only the head is trained
  bool keeps_features() const;  // of a frozen body and images that are the same in every epoch
  bool solves_head() const { return config.train.method == TrainConfig::Method::ridge; }  // in one step
  std::int64_t images_per_step() const;  // the batch size; all of them for a head solved in one step
  std::int64_t total_steps() const;      // ⌈epochs · N / images_per_step⌉: batches straddle epochs
  std::int64_t step_of_epoch(std::int64_t epoch) const;  // the step after which `epoch` (from 1) is whole
  std::int64_t epochs_at(std::int64_t step) const;       // whole epochs after `step` steps
  std::int64_t window_images() const;                    // of data.order windowed; 0: random
};

// Opens device and data and builds the model on the device, weights drawn from run.seed. Train and test must
// have the same class list.
Experiment make_experiment(RunConfig config);

// The header of a run, a line each: model, parameters, MACs, data, device, precision, schedule.
std::string describe(const Experiment& experiment);

// What the whole run costs: images, MACs of training (three times the forward pass, as the paper counts, but
// for a frozen body), memory.
std::string describe_cost(const Experiment& experiment);

}  // namespace smlp
