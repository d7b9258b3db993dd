#include "smlp/train/sinks.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

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

void cut_back(const fs::path& path, std::uint64_t size) {
  std::error_code error;
  const std::uint64_t found = fs::file_size(path, error);
  if (error || found < size)
    fail(ErrorKind::data,
         "{}: {} bytes, the checkpoint was made with {}; restore the file or start a new run", path.string(),
         error ? 0 : found, size);
  fs::resize_file(path, size);
}

void sync_file(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
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

Sinks::Sinks(const fs::path& run, const std::map<std::string, std::uint64_t>* sizes)
    : run_(run), events_name_(existing_events(run)) {
  for (const std::string& name : {jsonl_name, csv_name, log_name, events_name_}) {
    if (sizes == nullptr) {
      if (fs::exists(run / name)) cut_back(run / name, 0);
    } else if (const auto size = sizes->find(name); size != sizes->end()) {
      cut_back(run / name, size->second);
    }
  }
  open(jsonl_name);
  if (open(csv_name).tellp() == 0)
    streams_[csv_name] << "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr\n";
  if (open(events_name_).tellp() == 0) streams_[events_name_] << tfevents_header(wall_time());
  log_file_ = std::make_unique<LogFile>(run / log_name);
}

std::ofstream& Sinks::open(const std::string& name) {
  std::ofstream& stream = streams_[name];
  stream.open(run_ / name, std::ios::binary | std::ios::app | std::ios::ate);
  check(name, stream);
  return stream;
}

void Sinks::check(const std::string& name, const std::ofstream& stream) const {
  if (!stream)
    fail(ErrorKind::failed, "{}: cannot be written: {}", (run_ / name).string(), std::strerror(errno));
}

void Sinks::write(const MetricRow& row) {
  nlohmann::ordered_json json{{"kind", row.kind}, {"step", row.step}, {"epoch", row.epoch}};
  for (const auto& [name, value] : row.values) {
    json[name] = std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
    streams_[events_name_] << tfevents_scalar(wall_time(), row.step, row.kind + "/" + name,
                                              static_cast<float>(value));
  }
  streams_[jsonl_name] << json.dump() << '\n';
  if (row.kind == "eval")
    streams_[csv_name] << csv_number(row.epoch) << ',' << csv_number(row.at("train_loss")) << ','
                       << csv_number(row.at("loss")) << ',' << csv_number(row.at("top1")) << ','
                       << csv_number(row.at("top5")) << ',' << csv_number(row.at("lr")) << '\n';
  for (auto& [name, stream] : streams_) {
    stream.flush();
    check(name, stream);
  }
}

std::map<std::string, std::uint64_t> Sinks::sizes() {
  std::map<std::string, std::uint64_t> sizes;
  log_file_->flush();
  for (const std::string& name : {jsonl_name, csv_name, log_name, events_name_}) {
    sync_file(run_ / name);
    sizes[name] = fs::file_size(run_ / name);
  }
  return sizes;
}

}  // namespace smlp
