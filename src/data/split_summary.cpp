#include "smlp/data/split_summary.hpp"

#include <algorithm>

#include "smlp/core/files.hpp"
#include "smlp/data/open_dataset.hpp"

namespace smlp {
namespace {

void count_classes(SplitSummary& summary) {
  const Dataset& data = *summary.data;
  if (data.classes() == 0) return;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(data.classes()));
  for (std::int64_t i = 0; i < data.size(); ++i) ++counts[data.label(i)];
  std::sort(counts.begin(), counts.end());
  const std::size_t half = counts.size() / 2;
  summary.class_min = counts.front();
  summary.class_max = counts.back();
  summary.class_median =
      counts.size() % 2 == 1 ? double(counts[half]) : double(counts[half - 1] + counts[half]) / 2;
}

SplitSummary summarize(std::string name, std::shared_ptr<const Dataset> data) {
  SplitSummary summary;
  summary.name = std::move(name);
  summary.data = std::move(data);
  count_classes(summary);
  return summary;
}

}  // namespace

std::vector<SplitSummary> summarize_splits(const std::string& root) {
  std::vector<SplitSummary> splits;
  if (root == "shapes")
    for (const char* name : {"train", "test"}) splits.push_back(summarize(name, open_dataset(root, name)));
  else
    for (const fs::path& folder : find_pack(root).splits) {
      splits.push_back(summarize(split_name(folder), Dataset::open(folder)));
      for (const auto& entry : fs::directory_iterator(folder))
        if (entry.is_regular_file()) splits.back().bytes += entry.file_size();
      splits.back().real_labels = fs::exists(folder / "real_labels.json");
    }
  return splits;
}

}  // namespace smlp
