#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "smlp/sweep/progress.hpp"

namespace smlp {

// A finished training of a sweep, or what follows one, by what it came to at the end of its schedule.
struct Trial {
  std::vector<std::pair<std::string, std::string>> settings;  // the grid's, and "epoch" of the weights
  std::int64_t seed = 0;
  double score = 0;                 // %, on the held-out part or, where not all have one, the test split
  double top1 = 0;                  // %, of the test split
  double parameters = 0, macs = 0;  // of the model that was trained; 0: not asked for
};

struct Trials {
  std::vector<Trial> finished;
  std::size_t without_holdout = 0;               // runs; 0: every score is of a held-out part
  std::map<std::string, std::int64_t> left_out;  // runs that are not finished, by what they are

  bool held_out() const { return without_holdout == 0; }
};

// Of the sweep's trainings, or of those that `then` calls `downstream`, which have the settings of the
// trainings that they follow. No such follower: Error(usage). Models are counted by what their checkpoints
// say of the classes; one that has lost them: Error(data).
Trials trials_of(const SweepPlan& plan, const std::vector<JobState>& states, const std::string& downstream,
                 bool count_models);

}  // namespace smlp
