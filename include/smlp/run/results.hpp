#pragma once
#include <cstdint>
#include <filesystem>
#include <istream>
#include <limits>
#include <vector>

namespace smlp {

// A run's evaluations as metrics.jsonl has them.
struct Evaluation {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
  double epoch = 0;
  std::int64_t step = 0;
  double loss = none, top1 = none, top5 = none;  // of the test split, or of the held-out part; %
  double holdout_top1 = none;                    // of the held-out part beside a test split; %
  double train_loss = none, train_top1 = none;
  double train_seconds = none;  // of the whole run

  double score() const { return holdout_top1 == holdout_top1 ? holdout_top1 : top1; }  // what chooses
};

struct RunResults {
  double epoch = 0;                // of the last line, with its fraction
  std::int64_t step = 0;           // of the same
  std::int64_t lines = 0;          // whole ones
  std::int64_t damaged_lines = 0;  // of them, those that are no measurements
  bool ends_in_line = false;       // the last one is not whole
  std::vector<Evaluation> evaluations;

  const Evaluation* best() const;  // the first of the highest score; null: none has one
};

// Lines that are no measurements are counted and passed over: the last one of a run at work may be half
// written.
RunResults read_results(std::istream& lines);
// Of a run's folder, which may have no metrics.jsonl yet; one that cannot be read: Error(data).
RunResults read_results(const std::filesystem::path& run);

}  // namespace smlp
