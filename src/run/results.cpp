#include "smlp/run/results.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"

namespace smlp {
namespace {

constexpr std::size_t max_line = 1 << 16;

double number(const nlohmann::json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number() ? found->get<double>() : Evaluation::none;
}

// False for a line that is no measurement.
bool take_line(std::string_view line, RunResults& results) {
  const auto row = nlohmann::json::parse(line, nullptr, false);
  if (!row.is_object() || std::isnan(number(row, "epoch"))) return false;
  results.epoch = number(row, "epoch");
  const double step = number(row, "step");  // none: 0
  results.step = step >= 0 && step < 1e15 ? static_cast<std::int64_t>(step) : 0;
  const auto kind = row.find("kind");
  if (kind == row.end() || *kind != "eval") return true;
  results.evaluations.push_back({.epoch = results.epoch,
                                 .step = results.step,
                                 .loss = number(row, "loss"),
                                 .top1 = number(row, "top1"),
                                 .top5 = number(row, "top5"),
                                 .holdout_top1 = number(row, "holdout_top1"),
                                 .train_loss = number(row, "train_loss"),
                                 .train_top1 = number(row, "train_top1"),
                                 .train_seconds = number(row, "train_seconds")});
  return true;
}

}  // namespace

const Evaluation* RunResults::best() const {
  const Evaluation* best = nullptr;
  for (const Evaluation& each : evaluations)
    if (!std::isnan(each.score()) && (best == nullptr || each.score() > best->score())) best = &each;
  return best;
}

// Of the lines of steps, which are most of them, only the last counts.
RunResults read_results(std::istream& lines) {
  RunResults results;
  std::string line(max_line, '\0'), last;
  while (lines.getline(line.data(), static_cast<std::streamsize>(line.size()))) {
    const std::string_view text(line.data());
    bool whole = text.starts_with('{') && text.ends_with('}');
    if (text.find("\"eval\"") != std::string_view::npos) {
      whole = take_line(text, results);
      last.clear();
    } else if (whole) {
      last = text;
    }
    results.ends_in_line = lines.eof();
    if (results.ends_in_line) break;
    ++results.lines;
    if (!whole) ++results.damaged_lines;
  }
  if (!lines.eof()) ++results.lines, ++results.damaged_lines;  // longer than any of ours
  if (!last.empty()) take_line(last, results);
  return results;
}

RunResults read_results(const fs::path& run) {
  const fs::path file = run / "metrics.jsonl";
  if (!fs::exists(file)) return {};
  if (!fs::is_regular_file(file)) fail(ErrorKind::data, "{} is not a regular file", file.string());
  std::ifstream lines(file);
  if (!lines) fail(ErrorKind::data, "cannot read {}", file.string());
  return read_results(lines);
}

}  // namespace smlp
