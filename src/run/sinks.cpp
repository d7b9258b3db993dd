#include "smlp/run/sinks.hpp"

#include <chrono>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/host.hpp"
#include "smlp/formats/tfevents.hpp"

namespace smlp {
namespace {

const std::string jsonl_name = "metrics.jsonl";
const std::string csv_name = "summary.csv";
const std::string log_name = "log.txt";
const std::string events_prefix = "events.out.tfevents.";

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string existing_events(const fs::path& run) {
  for (const auto& entry : fs::directory_iterator(run))
    if (entry.path().filename().string().starts_with(events_prefix)) return entry.path().filename().string();
  return fmt::format("{}{:.0f}.{}", events_prefix, wall_time(), host_name());
}

// What a log file is cut back to: nothing in a new run. In one that goes on, a file that the checkpoint does
// not know stays as it is.
std::optional<std::uint64_t> size_of(const fs::path& run, const std::string& name, const LogSizes* sizes) {
  if (sizes == nullptr) return 0;
  const auto size = sizes->find(name);
  if (size == sizes->end()) return std::nullopt;
  std::error_code error;
  const std::uint64_t found = fs::file_size(run / name, error);
  if (error || found < size->second)
    fail(ErrorKind::data,
         "{}: {} bytes, the checkpoint was made with {}; restore the file or start a new run",
         (run / name).string(), error ? 0 : found, size->second);
  return size->second;
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

Sinks::Sinks(const fs::path& run, const LogSizes* sizes)
    : events_name_(existing_events(run)),
      metrics_(run / jsonl_name, size_of(run, jsonl_name, sizes)),
      summary_(run / csv_name, size_of(run, csv_name, sizes)),
      events_(run / events_name_, size_of(run, events_name_, sizes)),
      log_(run / log_name, size_of(run, log_name, sizes)) {
  if (summary_.size() == 0) summary_.write("epoch,train_loss,eval_loss,eval_top1,eval_top5,lr\n");
  if (events_.size() == 0) events_.write(tfevents_header(wall_time()));
}

void Sinks::write(const MetricRow& row) {
  nlohmann::ordered_json json{{"kind", row.kind}, {"step", row.step}, {"epoch", row.epoch}};
  std::string events;
  for (const auto& [name, value] : row.values) {
    json[name] = std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
    events += tfevents_scalar(wall_time(), row.step, row.kind + "/" + name, static_cast<float>(value));
  }
  events_.write(events);
  metrics_.write(json.dump() + '\n');
  if (row.kind == "eval")
    summary_.write(fmt::format("{},{},{},{},{},{}\n", csv_number(row.epoch), csv_number(row.at("train_loss")),
                               csv_number(row.at("loss")), csv_number(row.at("top1")),
                               csv_number(row.at("top5")), csv_number(row.at("lr"))));
}

LogSizes Sinks::sync() {
  for (const AppendFile* file : {&metrics_, &summary_, &events_}) file->sync();
  return {{jsonl_name, metrics_.size()},
          {csv_name, summary_.size()},
          {events_name_, events_.size()},
          {log_name, log_.sync()}};
}

}  // namespace smlp
