#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smlp/core/files.hpp"
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

// A step that changed nothing: its loss or gradient was not finite, or it was left out (train.skip_zscore).
struct UnappliedStep {
  std::int64_t step = 0;             // counted from 1
  double loss = 0, grad_norm = 0;    // mean over its images; of the whole gradient, before clipping
  std::vector<std::int64_t> images;  // its batch: their places in the training split; empty: not known
};

// Bytes of each log file, by name.
using LogSizes = std::map<std::string, std::uint64_t>;

// Looks whether the log files of a run folder can be cut back to a checkpoint's sizes, and changes nothing.
// One that is gone is warned of; one that is shorter or was edited, or is no regular file: Error(data).
void check_logs(const std::filesystem::path& run, const LogSizes& sizes);

// The log files of a run: metrics.jsonl (every row), summary.csv (timm's columns and the score, a line an
// evaluation), events.out.tfevents.* (TensorBoard), log.txt (what the terminal showed), and, once there is
// such a step, unapplied_steps.jsonl. All append; their sizes at a checkpoint let a resumed run cut them back
// to it.
class Sinks {
 public:
  // Opens the files of a run folder, cut back to `sizes` (a resume; one that is shorter: Error(data)), or to
  // nothing.
  Sinks(const std::filesystem::path& run, const LogSizes* sizes);

  void write(const MetricRow& row);
  void write(const UnappliedStep& step);
  LogSizes sizes();  // of all that was written
  void sync();       // makes it last; may run beside write()

 private:
  void write_summary(const MetricRow& row);

  std::filesystem::path run_;
  std::string events_name_;
  AppendFile metrics_, summary_, events_;
  std::mutex making_unapplied_;
  std::optional<AppendFile> unapplied_;  // null: there is none yet
  std::size_t columns_ = 0;              // of summary.csv
  LogFile log_;
};

}  // namespace smlp
