#pragma once
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "smlp/sweep/plan.hpp"

namespace smlp {

// How far a job is, as its run's folder and the files beside it say.
struct JobState {
  enum class Status { waiting, running, stopped, failed, finished };
  Status status = Status::waiting;  // stopped: begun, and goes on when its turn comes
  std::string by;                   // of a running one "process 12 on host"
  std::string reason;               // of a failed one, in one line
  double epoch = 0;                 // done
  double seconds = 0;               // of training so far
  // Of its last evaluation, %; NaN: none. Of the test split, and of the held-out part beside one.
  double top1 = std::numeric_limits<double>::quiet_NaN();
  double holdout_top1 = std::numeric_limits<double>::quiet_NaN();
};
JobState state_of(const SweepPlan& plan, const SweepJob& job);
std::vector<JobState> states_of(const SweepPlan& plan);  // of all its jobs

const char* status_word(JobState::Status status);

// The checkpoint that a job which follows another starts from, once that one is finished. Not there:
// Error(data).
std::filesystem::path weights_of(const SweepPlan& plan, const SweepJob& job);

// Seconds that the jobs which are not finished take one after the other: by the pace, epoch by epoch, of
// those of the same kind and model, or of the nearest in compute. NaN: there is no pace of some kind yet.
double seconds_left(const SweepPlan& plan, const std::vector<JobState>& states);

// Files beside the runs: who works on a job, and why one failed when it was last tried.
std::filesystem::path claim_file(const SweepPlan& plan, const SweepJob& job);
std::filesystem::path error_file(const SweepPlan& plan, const SweepJob& job);

}  // namespace smlp
