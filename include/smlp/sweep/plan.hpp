#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "smlp/train/run_config.hpp"

namespace smlp {

// A sweep is a run's configuration with one section more:
//   sweep:
//     grid: {model.name: [B-6/32, B-6/64], data.fraction: [0.25, 1], run.seed: [0, 1]}
//     then: {probe-cifar10: {base: probe.yaml, data: {root: cifar10}}}
// `grid` is every combination of its values, or a list of such grids, one after the other. What `then` names
// follows each of its trainings: a configuration that starts from the weights of its end, and of each epoch
// in checkpoint.keep_epochs.
struct SweepJob {
  std::string name;                  // of its run's folder, which the sweep's folder holds
  std::string kind;                  // of what follows its name in `then`; "" of a training of the grid
  std::int64_t task = 0;             // the grid's training that it is, or follows
  std::optional<std::size_t> after;  // the job that must be finished before
  std::int64_t epoch = 0;            // whose weights of that one it starts from; 0: the last ones
  RunConfig config;                  // run.name and run.output are set; init.from is the run it follows
};

struct SweepPlan {
  std::filesystem::path folder;
  std::string document;        // its YAML with all bases laid in
  std::vector<SweepJob> jobs;  // each behind those that it follows
  std::int64_t tasks = 0;      // trainings of the grid
};

// Of a file, or of a sweep's folder (or the sweep.yaml in it), whose own sweep.yaml is read. The folder is
// run.output/run.name, by the file's name where there is none. Every configuration is checked: Error(usage)
// naming the job.
SweepPlan plan_sweep(const std::string& file_or_folder, std::vector<ConfigNode> overrides);

// Whether there is a sweep's folder.
bool is_sweep(const std::filesystem::path& folder);

// A second one of the same values.
RunConfig copy_of(const RunConfig& config);

}  // namespace smlp
