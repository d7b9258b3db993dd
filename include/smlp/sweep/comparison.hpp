#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smlp/sweep/trials.hpp"

namespace smlp {

// Mean of a sample and half the width of its 95 % interval (Student's t); NaN: of one value there is none.
struct Spread {
  double mean = 0, half = 0;
};
Spread spread_of(const std::vector<double>& values);

struct ComparisonOptions {
  std::vector<std::string> by;  // the settings to compare; empty: all that vary, but x
  std::string x;                // one more, of numbers, as an axis, or "parameters" or "macs"; "": none
  std::string against;          // the name of a row that the others are held against; "": none
};

// Whether an axis is counted from the models, not read from the settings.
bool is_cost(const std::string& x);

// The trials of one choice of `by` and `x`, one for each seed: of all values that the other settings have,
// those of the best mean score.
struct ComparisonRow {
  std::vector<std::string> values;                          // of `by`; "-": the grid does not set it
  std::string name;                                         // these, with a space between them
  double x = 0;                                             // 0: none
  std::vector<std::pair<std::string, std::string>> chosen;  // the other settings; "": not set
  std::size_t choices = 1;
  std::size_t seeds = 0;
  Spread score, top1;
  std::optional<Spread> difference;  // of top1 to the row of `against` (at the same x), paired by seed
};

struct SweepComparison {
  std::vector<std::string> by;
  std::vector<ComparisonRow> rows;   // in the trials' order; those of one name together, by x
  std::vector<std::string> remarks;  // what to doubt
};

// Choices that have fewer seeds than the fullest one of their row are not chosen. No trials, a setting that
// the sweep does not vary, an x that is no number, no row of the name `against`: Error(usage).
SweepComparison compare(const Trials& trials, const ComparisonOptions& options);

}  // namespace smlp
