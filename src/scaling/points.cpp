#include "smlp/scaling/points.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <tuple>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

constexpr std::size_t most_columns = 1000;
constexpr double largest_seed = 0x1p53;

// The fields of a line: those that hold commas stand in quotes, where two quotes are one.
std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields{""};
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"')
      fields.back() += line[i++];
    else if (line[i] == '"')
      quoted = !quoted;
    else if (line[i] == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += line[i];
  }
  return fields;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

class Table {
 public:
  Table(std::string_view text, const std::string& file) : file_(file), lines_(text_lines(text)) {
    if (lines_.empty()) fail(ErrorKind::data, "{}: empty: a head and a line for each point are wanted", file);
    const std::vector<std::string> names = fields_of(lines_[0]);
    if (names.size() > most_columns) fail(ErrorKind::data, "{}: more than {} columns", file, most_columns);
    for (const std::string& name : names) {
      const bool first = columns_.emplace(trimmed(name), width_++).second;
      if (!first && !trimmed(name).empty())
        fail(ErrorKind::data, "{}: there are two columns \"{}\"", file, printable(trimmed(name)));
    }
  }

  std::size_t lines() const { return lines_.size() - 1; }
  bool has(const std::string& column) const { return columns_.contains(column); }

  void require(const std::string& column) const {
    if (has(column)) return;
    std::vector<std::string> names;
    for (const auto& each : columns_) names.push_back(printable(each.first));
    fail(ErrorKind::data, "{}: no column \"{}\": its columns are {}{}", file_, column, fmt::join(names, ", "),
         lines_[0].find(';') == std::string::npos ? "" : "; commas are to separate them");
  }

  // Of line i from 0 on, without the head.
  std::vector<std::string> line(std::size_t i) const {
    std::vector<std::string> fields = fields_of(lines_[i + 1]);
    if (fields.size() < width_)
      fail(ErrorKind::data, "{}: line {} has {} fields, the head {}", file_, i + 2, fields.size(), width_);
    return fields;
  }

  std::string text(const std::vector<std::string>& line, const std::string& column) const {
    return std::string(trimmed(line[columns_.at(column)]));
  }

  double number(const std::vector<std::string>& line, const std::string& column, std::size_t i) const {
    const std::string field = text(line, column);
    double value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc{} || end != field.data() + field.size())
      fail(ErrorKind::data, "{}: line {}, {}: \"{}\" is no number", file_, i + 2, column, printable(field));
    return value;
  }

 private:
  const std::string& file_;
  std::vector<std::string> lines_;
  std::map<std::string, std::size_t, std::less<>> columns_;
  std::size_t width_ = 0;  // fields of the head
};

auto key_of(const ScalingPoint& point) {
  return std::tie(point.model, point.parameters, point.macs, point.images, point.epochs);
}

void warn_of_units(PointTable& table, const std::string& file, const std::string& column) {
  const auto errors = std::ranges::count_if(table.points, [](const auto& point) { return point.error > 1; });
  if (errors > 0)
    table.warnings.push_back(fmt::format(
        "{}: {} of {} errors are above 1, which no part of one is; they are taken as they are, as losses are",
        file, errors, table.points.size()));
  if (column.ends_with("top1") && !table.points.empty() &&
      std::ranges::all_of(table.points, [](const auto& point) { return point.error >= 0.99; }))
    table.warnings.push_back(fmt::format("{}: {} is at most 1 everywhere: it is read as %", file, column));
}

}  // namespace

PointTable parse_points(std::string_view text, const std::string& file, const std::string& error_column) {
  const Table table(text, file);
  for (const char* column : {"parameters", "macs", "images", "epochs"}) table.require(column);
  table.require(error_column);
  PointTable result;
  for (std::size_t i = 0; i < table.lines(); ++i) {
    const std::vector<std::string> line = table.line(i);
    const auto whole = [&](double value, std::size_t at) {
      if (!(std::abs(value) <= largest_seed) || std::trunc(value) != value)
        fail(ErrorKind::data, "{}: line {}, seed: {} is no whole number", file, at + 2, value);
      return static_cast<std::int64_t>(value);
    };
    const auto size = [&](const char* column) {
      const double value = table.number(line, column, i);
      if (!(value > 0) || !std::isfinite(value))
        fail(ErrorKind::data, "{}: line {}, {}: {} is not above 0", file, i + 2, column, value);
      return value;
    };
    ScalingPoint point{.parameters = size("parameters"),
                       .macs = size("macs"),
                       .images = size("images"),
                       .epochs = size("epochs")};
    if (!std::isfinite(point.compute()))
      fail(ErrorKind::data, "{}: line {}: its compute, 3 · macs · images · epochs, is too large", file,
           i + 2);
    if (table.has("model")) point.model = table.text(line, "model");
    if (table.has("seed")) point.seed = whole(table.number(line, "seed", i), i);
    const bool missing = table.text(line, error_column).empty();
    point.error = missing ? std::nan("") : table.number(line, error_column, i);
    if (error_column.ends_with("top1")) point.error = 1 - point.error / 100;
    if (point.error > 0 && std::isfinite(point.error))
      result.points.push_back(std::move(point));
    else
      result.warnings.push_back(
          fmt::format("{}: line {}: left out: its error is {}", file, i + 2, point.error));
  }
  warn_of_units(result, file, error_column);
  return result;
}

std::string points_csv(const std::vector<ScalingPoint>& points) {
  std::string text = "model,parameters,macs,images,epochs,seed,compute,error\n";
  for (const ScalingPoint& p : points) {
    std::string model = p.model;
    if (model.find_first_of(",\"") != std::string::npos) {
      for (std::size_t at = 0; (at = model.find('"', at)) != std::string::npos; at += 2)
        model.insert(at, 1, '"');
      model = '"' + model + '"';
    }
    text += fmt::format("{},{},{},{},{},{},{},{}\n", model, p.parameters, p.macs, p.images, p.epochs, p.seed,
                        p.compute(), p.error);
  }
  return text;
}

std::vector<SeedGroup> group_seeds(const std::vector<ScalingPoint>& points) {
  std::vector<SeedGroup> groups;
  std::map<decltype(key_of(points[0])), std::size_t> known;
  for (const ScalingPoint& point : points) {
    const auto [at, added] = known.try_emplace(key_of(point), groups.size());
    if (added) groups.emplace_back();
    groups[at->second].seeds.push_back(point);
  }
  for (SeedGroup& group : groups) {
    const auto n = static_cast<double>(group.seeds.size());
    group.mean = group.seeds[0];
    double sum = 0, squares = 0;
    for (const ScalingPoint& seed : group.seeds) sum += seed.error;
    group.mean.error = sum / n;
    for (const ScalingPoint& seed : group.seeds)
      squares += (seed.error - group.mean.error) * (seed.error - group.mean.error);
    group.deviation = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
  }
  std::stable_sort(groups.begin(), groups.end(), [](const SeedGroup& a, const SeedGroup& b) {
    return a.mean.compute() < b.mean.compute();
  });
  return groups;
}

std::vector<ScalingPoint> frontier(std::vector<ScalingPoint> points) {
  std::stable_sort(points.begin(), points.end(), [](const ScalingPoint& a, const ScalingPoint& b) {
    return std::pair(a.compute(), a.error) < std::pair(b.compute(), b.error);
  });
  std::vector<ScalingPoint> best;
  for (ScalingPoint& point : points) {
    const bool again =
        !best.empty() && point.compute() == best.back().compute() && point.error == best.back().error;
    if (best.empty() || again || point.error < best.back().error) best.push_back(std::move(point));
  }
  return best;
}

}  // namespace smlp
