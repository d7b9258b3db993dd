#include "run_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/run/results.hpp"
#include "smlp/run/run_status.hpp"
#include "smlp/run/sessions.hpp"
#include "smlp/train/config_files.hpp"

namespace smlp {
namespace {

// What training by gradient alone uses: of a head that is solved for it says nothing.
constexpr std::array gradient_keys{"optim.",           "schedule.",         "loss.",
                                   "train.batch_size", "train.micro_batch", "train.max_bad_steps"};

bool is_used(const std::string& key, const RunConfig& config) {
  return config.train.method != TrainConfig::Method::ridge ||
         std::none_of(gradient_keys.begin(), gradient_keys.end(),
                      [&](const char* start) { return key.starts_with(start); });
}

// YAML as the program prints it: JSON but for plain words and lists of sections.
Row setting_value(const std::string& yaml) {
  Row value = Row::parse(yaml, nullptr, false);
  return value.is_discarded() ? Row(yaml) : value;
}

void add_settings(Row& row, const RunConfig& config) {
  for (const KeyRow& key : config.rows())
    if (!key.value.empty() && is_used(key.path, config)) row[key.path] = setting_value(key.value);
}

Row number_or_null(double value) {
  return std::isfinite(value) ? Row(value) : Row(nullptr);
}

// Of the last line, or of a checkpoint that is of later steps: what a run had trained when it was stopped.
double epoch_of(const RunResults& results, const fs::path& run) {
  const std::int64_t saved = newest_step(run);
  return saved > results.step && results.step > 0
             ? results.epoch * static_cast<double>(saved) / static_cast<double>(results.step)
             : results.epoch;
}

void add_results(Row& row, const RunResults& results, const fs::path& run, const RunConfig& config) {
  const Evaluation* best = results.best();
  const Evaluation last = results.evaluations.empty() ? Evaluation{} : results.evaluations.back();
  row["epoch"] = std::min(epoch_of(results, run), static_cast<double>(config.train.epochs));
  row["time"] = number_or_null(last.train_seconds);
  row["best_top1"] = number_or_null(best == nullptr ? Evaluation::none : best->top1);
  row["best_epoch"] = best == nullptr ? Row(nullptr) : Row(best->epoch);
  row["holdout_top1"] = number_or_null(best == nullptr ? Evaluation::none : best->holdout_top1);
  row["last_top1"] = number_or_null(last.top1);
  row["last_top5"] = number_or_null(last.top5);
  row["last_loss"] = number_or_null(last.loss);
}

bool trained_all(const RunResults& results, const RunConfig& config) {
  return !results.evaluations.empty() &&
         results.evaluations.back().epoch >= static_cast<double>(config.train.epochs);
}

// Which command made it: as its first session says, or else as its settings do.
std::string made_by(const std::vector<RunSession>& sessions, const RunConfig& config) {
  if (!sessions.empty()) {
    std::istringstream words(sessions.front().command);
    for (std::string word; words >> word;)
      if (word == "train" || word == "finetune" || word == "probe") return word;
  }
  const std::vector<ParameterGroupConfig>& groups = config.optim->groups;
  const bool frozen = std::any_of(groups.begin(), groups.end(), [](const auto& g) { return g.freeze; });
  if (!config.init.from) return "train";
  return frozen && config.init.new_head ? "probe" : "finetune";
}

// What shows that its results are not all that was measured; "" where nothing does.
std::string damage_of(const RunResults& results, const std::string& status) {
  if (status == "running") return "";
  if (results.damaged_lines > 0)
    return fmt::format("{} of {} of metrics.jsonl cannot be read", results.damaged_lines,
                       counted(results.lines, "line"));
  if (status != "finished") return "";
  if (results.ends_in_line) return "metrics.jsonl ends within a line";
  return results.lines == 0 ? "metrics.jsonl has no results" : "";
}

Row text_or_null(const std::string& text) {
  return text.empty() ? Row(nullptr) : Row(text);
}

void add_sessions(Row& row, const std::vector<RunSession>& sessions) {
  const RunSession first = sessions.empty() ? RunSession{} : sessions.front(),
                   last = sessions.empty() ? RunSession{} : sessions.back();
  row["reason"] = text_or_null(last.reason);
  row["host"] = text_or_null(last.host);
  row["start"] = text_or_null(first.start);
  row["end"] = text_or_null(last.end);
}

std::string name_of(const fs::path& run) {
  return without_trailing_slash(fs::absolute(run)).filename().string();
}

void add_run(const fs::path& run, Listing& listing) {
  try {
    listing.rows.push_back(run_row(run));
  } catch (const std::exception& error) {  // it may change or go while it is read
    listing.left_out.push_back(fmt::format("{}: left out: {}", run.string(), error.what()));
  }
}

void add_folder(const fs::path& folder, Listing& listing) {
  std::error_code error;
  std::vector<fs::path> runs;
  for (auto entry = fs::directory_iterator(folder, error); entry != fs::directory_iterator();
       entry.increment(error)) {
    std::error_code reading;
    if (fs::is_regular_file(entry->path() / "config.yaml", reading) && !is_temporary(entry->path()))
      runs.push_back(entry->path());
    if (reading == std::errc::permission_denied)
      listing.left_out.push_back(fmt::format("{}: left out: {}", entry->path().string(), reading.message()));
  }
  if (error) fail(ErrorKind::data, "cannot read {}: {}", folder.string(), error.message());
  std::sort(runs.begin(), runs.end());
  for (const fs::path& run : runs) add_run(run, listing);
}

}  // namespace

bool is_setting(const std::string& column) {
  return column.find('.') != std::string::npos;
}

bool is_place(const std::string& column) {
  return column == "run.name" || column == "run.output";
}

Row run_row(const fs::path& run) {
  const fs::path file = run / "config.yaml";
  std::error_code missing;
  if (fs::file_size(file, missing) == 0) fail(ErrorKind::data, "{} is empty", file.string());
  const RunConfig config = load_run_config(file.string(), {});
  const RunResults results = read_results(run);
  const std::vector<RunSession> sessions = read_sessions(run);
  Row row{{"run", name_of(run)}, {"path", run.string()}};
  add_settings(row, config);
  row["status"] = run_status(run, sessions, trained_all(results, config));
  row["command"] = made_by(sessions, config);
  add_sessions(row, sessions);
  if (const std::string damage = damage_of(results, row["status"].get<std::string>()); !damage.empty())
    row["status"] = "damaged", row["reason"] = damage;
  add_results(row, results, run, config);
  return row;
}

Listing list_runs(const std::vector<std::string>& places) {
  Listing listing;
  for (const std::string& place : places) {
    if (!fs::is_directory(place))
      fail(ErrorKind::data, "{}: {}; give a run, or the folder that holds the runs", place, what_is(place));
    if (is_run(place))
      add_run(place, listing);
    else
      add_folder(place, listing);
  }
  return listing;
}

const Row& value_of(const Row& row, const std::string& column) {
  static const Row none;
  const auto found = row.find(column);
  return found == row.end() ? none : *found;
}

}  // namespace smlp
