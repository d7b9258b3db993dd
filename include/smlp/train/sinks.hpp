#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "smlp/core/log.hpp"

namespace smlp {

// One line of measurements: "train" at a log step, "eval" after an epoch.
struct MetricRow {
  std::string kind;
  std::int64_t step = 0;
  double epoch = 0;
  std::vector<std::pair<std::string, double>> values;
  double at(const std::string& name) const;  // NaN when absent
};

// The log files of a run: metrics.jsonl (every row), summary.csv (timm's columns, a line an evaluation),
// events.out.tfevents.* (TensorBoard), log.txt (what the terminal showed). All append; their sizes at a
// checkpoint let a resumed run cut them back to it.
class Sinks {
 public:
  // Opens the files of a run folder, cut back to `sizes` (a resume; a file shorter than that, or missing:
  // Error(data)), or to nothing.
  Sinks(const std::filesystem::path& run, const std::map<std::string, std::uint64_t>* sizes);

  void write(const MetricRow& row);
  std::map<std::string, std::uint64_t> sizes();  // flushes and syncs first

 private:
  std::ofstream& open(const std::string& name);
  void check(const std::string& name, const std::ofstream& stream) const;

  std::filesystem::path run_;
  std::string events_name_;
  std::map<std::string, std::ofstream> streams_;
  std::unique_ptr<LogFile> log_file_;
};

}  // namespace smlp
