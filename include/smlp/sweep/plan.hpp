#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smlp/train/run_config.hpp"

namespace smlp {

// A sweep is a run's configuration with one section more:
//   sweep:
//     grid: {model.name: [B-6/32, B-6/64], data.fraction: [0.25, 1], run.seed: [0, 1]}
//     then: {probe-cifar10: {base: probe.yaml, data: {root: cifar10}}}
// `grid` is every combination of its values, or a list of such grids, one after the other; a grid's `label:
// NAME` begins the names of its trainings, and stands in them for the keys that have one value. What `then`
// names follows each of its trainings: a configuration that starts from the weights of its end, and of each
// epoch in checkpoint.keep_epochs.
struct SweepJob {
  std::string name;                  // of its run's folder, which the sweep's folder holds
  std::string kind;                  // of what follows its name in `then`; "" of a training of the grid
  std::int64_t task = 0;             // the grid's training that it is, or follows
  std::optional<std::size_t> after;  // the job that must be finished before
  std::int64_t epoch = 0;            // whose weights of that one it starts from; 0: the last ones
  // The grid's keys but run.seed, with their values in the file's order, and first its label, if it has one.
  std::vector<std::pair<std::string, std::string>> settings;
  RunConfig config;  // run.name and run.output are set; init.from is the run it follows
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

// The same of a sweep's folder alone. Anything else: Error(data).
SweepPlan plan_of_folder(const std::filesystem::path& folder);

// Whether there is a sweep's folder.
bool is_sweep(const std::filesystem::path& folder);

}  // namespace smlp
