#include "smlp/run/sinks.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/host.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/tfevents.hpp"

namespace smlp {
namespace {

const std::string jsonl_name = "metrics.jsonl";
const std::string csv_name = "summary.csv";
const std::string log_name = "log.txt";
const std::string unapplied_name = "unapplied_steps.jsonl";
const std::string events_prefix = "events.out.tfevents.";

using Json = nlohmann::ordered_json;

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// The one the checkpoint knows, or one that is there, or a new one.
std::string events_name(const fs::path& run, const LogSizes* sizes) {
  if (sizes != nullptr)
    for (const auto& [name, size] : *sizes)
      if (name.starts_with(events_prefix)) return name;
  for (const auto& entry : fs::directory_iterator(run))
    if (entry.path().filename().string().starts_with(events_prefix)) return entry.path().filename().string();
  return fmt::format("{}{:.0f}.{}", events_prefix, wall_time(), host_name());
}

// What a log file is cut back to: nothing in a new run. In one that goes on, a file that the checkpoint does
// not know stays as it is, and one that is gone is begun anew.
std::optional<std::uint64_t> size_of(const fs::path& run, const std::string& name, const LogSizes* sizes) {
  if (sizes == nullptr) return 0;
  const auto size = sizes->find(name);
  const bool known = size != sizes->end() && fs::exists(run / name);
  return known ? std::optional(size->second) : std::nullopt;
}

// An editor or a spreadsheet that saved the file moved its lines.
bool ends_a_line(const fs::path& path, std::uint64_t size) {
  if (size == 0) return true;
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(size) - 1);
  return file.get() == '\n';
}

// timm's columns, by the names of the values in them, and what chose the best.
struct Column {
  const char *name, *value;
};
constexpr Column summary_columns[] = {{"epoch", "epoch"},    {"train_loss", "train_loss"},
                                      {"eval_loss", "loss"}, {"eval_top1", "top1"},
                                      {"eval_top5", "top5"}, {"lr", "lr"},
                                      {"score", "score"}};

// A table that was begun goes on with its own columns, which in an earlier version's are fewer.
std::size_t columns_of(const fs::path& summary) {
  std::ifstream file(summary);
  std::string header;
  if (!std::getline(file, header)) return std::size(summary_columns);
  const auto columns = static_cast<std::size_t>(std::count(header.begin(), header.end(), ',')) + 1;
  return std::min(columns, std::size(summary_columns));
}

std::string summary_header() {
  std::vector<std::string> names;
  for (const Column& column : summary_columns) names.emplace_back(column.name);
  return fmt::format("{}\n", fmt::join(names, ","));
}

std::string csv_number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "";
}

}  // namespace

double MetricRow::at(const std::string& name) const {
  for (const auto& [key, value] : values)
    if (key == name) return value;
  return std::numeric_limits<double>::quiet_NaN();
}

void check_logs(const fs::path& run, const LogSizes& sizes) {
  for (const auto& [name, size] : sizes) {
    const fs::path path = run / name;
    if (fs::path(name).filename() != name)
      fail(ErrorKind::data, "{}: the checkpoint's state.json has a log file called \"{}\"", run.string(),
           printable(name));
    if (!fs::exists(path)) {
      log().warn("{} is gone: it is begun anew with what comes now", path.string());
      continue;
    }
    if (!fs::is_regular_file(path)) fail(ErrorKind::data, "{} is not a regular file", path.string());
    const std::uint64_t found = fs::file_size(path);
    if (found < size || (!name.starts_with(events_prefix) && !ends_a_line(path, size)))
      fail(ErrorKind::data,
           "{}: the checkpoint was made with {} bytes of it; now it has {}{}. Restore it, or move it away to "
           "go "
           "on without",
           path.string(), size, found, found < size ? "" : ", and other lines");
  }
}

Sinks::Sinks(const fs::path& run, const LogSizes* sizes)
    : run_(run),
      events_name_(events_name(run, sizes)),
      metrics_(run / jsonl_name, size_of(run, jsonl_name, sizes)),
      summary_(run / csv_name, size_of(run, csv_name, sizes)),
      events_(run / events_name_, size_of(run, events_name_, sizes)),
      log_(run / log_name, size_of(run, log_name, sizes)) {
  if (sizes != nullptr && sizes->contains(unapplied_name))
    unapplied_.emplace(run / unapplied_name, size_of(run, unapplied_name, sizes));
  else
    fs::remove(run / unapplied_name);  // of steps after the checkpoint
  if (summary_.size() == 0) summary_.write(summary_header());
  columns_ = columns_of(run / csv_name);
  if (events_.size() == 0) events_.write(tfevents_header(wall_time()));
}

void Sinks::write(const MetricRow& row) {
  Json json{{"kind", row.kind}, {"step", row.step}, {"epoch", row.epoch}};
  std::string events;
  for (const auto& [name, value] : row.values) {
    json[name] = number_or_null(value);
    events += tfevents_scalar(wall_time(), row.step, row.kind + "/" + name, static_cast<float>(value));
  }
  events_.write(events);
  metrics_.write(json.dump() + '\n');
  if (row.kind == "eval") write_summary(row);
}

void Sinks::write(const UnappliedStep& step) {
  {
    const std::lock_guard lock(making_unapplied_);
    if (!unapplied_) unapplied_.emplace(run_ / unapplied_name, 0);
  }
  const Json json{{"step", step.step},
                  {"loss", number_or_null(step.loss)},
                  {"grad_norm", number_or_null(step.grad_norm)},
                  {"images", step.images}};
  unapplied_->write(json.dump() + '\n');
}

void Sinks::write_summary(const MetricRow& row) {
  std::vector<std::string> cells{csv_number(row.epoch)};
  for (std::size_t i = 1; i < columns_; ++i) cells.push_back(csv_number(row.at(summary_columns[i].value)));
  summary_.write(fmt::format("{}\n", fmt::join(cells, ",")));
}

LogSizes Sinks::sizes() {
  LogSizes sizes{{jsonl_name, metrics_.size()},
                 {csv_name, summary_.size()},
                 {events_name_, events_.size()},
                 {log_name, log_.size()}};
  if (unapplied_) sizes[unapplied_name] = unapplied_->size();
  return sizes;
}

void Sinks::sync() {
  for (const AppendFile* file : {&metrics_, &summary_, &events_}) file->sync();
  log_.sync();
  const std::lock_guard lock(making_unapplied_);
  if (unapplied_) unapplied_->sync();
}

}  // namespace smlp
