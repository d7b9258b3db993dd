#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "smlp/data/dataset.hpp"

namespace smlp {

// What `smlp info` tells of one split.
struct SplitSummary {
  std::string name;  // its folder's
  std::shared_ptr<const Dataset> data;
  std::uint64_t bytes = 0;                    // of its files; 0 for the embedded data set
  std::int64_t class_min = 0, class_max = 0;  // images of the smallest and the largest class
  double class_median = 0;                    // these three are 0 without classes
  bool real_labels = false;                   // there is a real_labels.json
};

// The splits of `root`: "shapes", or what find_pack() takes. Empty where there is no pack; Error(data) as
// Dataset::open() has it where one is broken.
std::vector<SplitSummary> summarize_splits(const std::string& root);

}  // namespace smlp
