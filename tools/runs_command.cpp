#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "examples.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/train/config_files.hpp"
#include "table.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;

struct RunSummary {
  double epoch = 0;
  double last_top1 = -1, best_top1 = -1;
};

RunSummary summarize(const fs::path& run) {
  RunSummary summary;
  const fs::path log_file = run / "metrics.jsonl";
  std::ifstream lines(log_file);
  if (!lines && fs::exists(log_file)) fail(ErrorKind::data, "cannot read {}", log_file.string());
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line, nullptr, false);
    if (!row.is_object() || !row.contains("epoch") || !row["epoch"].is_number()) continue;
    summary.epoch = std::max(summary.epoch, row["epoch"].get<double>());
    if (!row.contains("kind") || row["kind"] != "eval" || !row.contains("top1") || !row["top1"].is_number())
      continue;
    summary.last_top1 = row["top1"].get<double>();
    summary.best_top1 = std::max(summary.best_top1, summary.last_top1);
  }
  return summary;
}

std::string percent(double value) {
  return value < 0 ? "" : fmt::format("{:.2f}", value);
}

std::vector<std::string> table_row(const fs::path& run) {
  const RunConfig config = load_run_config((run / "config.yaml").string(), {});
  const RunSummary summary = summarize(run);
  const double epochs = static_cast<double>(config.train.epochs);
  return {printable(run.filename().string()),
          config.model.name,
          config.data.root,
          config.optim.name,
          fmt::format("{:g}", config.optim->lr),
          std::to_string(config.train.batch_size),
          std::to_string(config.run.seed),
          fmt::format("{:.4g}/{}", std::min(summary.epoch, epochs), config.train.epochs),
          percent(summary.best_top1),
          percent(summary.last_top1)};
}

int table_runs(const std::string& folder) {
  if (!fs::is_directory(folder))
    fail(ErrorKind::data, "{}: no such folder; give the folder that holds the runs", folder);
  std::vector<fs::path> runs;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::error_code error;
    if (fs::is_regular_file(entry.path() / "config.yaml", error)) runs.push_back(entry.path());
    if (error == std::errc::permission_denied)
      log().warn("{}: left out: {}", entry.path().string(), error.message());
  }
  std::sort(runs.begin(), runs.end());
  std::vector<std::vector<std::string>> rows{
      {"run", "model", "data", "optim", "lr", "batch", "seed", "epoch", "best top1", "last top1"}};
  for (const fs::path& run : runs) {
    try {
      rows.push_back(table_row(run));
    } catch (const Error& error) {
      log().warn("{}: left out: {}", run.string(), error.what());
    }
  }
  std::cout << format_table(rows);
  return 0;
}

}  // namespace

Action add_runs_command(CLI::App& app) {
  auto folder = std::make_shared<std::string>("runs");
  app.add_option("DIR", *folder, "the folder that holds the runs")->capture_default_str();
  app.footer(examples({"smlp runs"}));
  return [folder] { return table_runs(*folder); };
}

}  // namespace smlp
