#include "run_groups.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "mean_deviation.hpp"
#include "row_query.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {
namespace {

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 60) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

bool is_percent(const std::string& column) {
  return column.ends_with("_top1") || column.ends_with("_top5");
}

std::string number_text(double value, const std::string& column) {
  if (is_percent(column)) return fmt::format("{:.2f}", value);
  return column == "time" ? duration(value) : fmt::format("{:.6g}", value);
}

std::vector<double> numbers_of(const Group& group, const std::string& column) {
  std::vector<double> numbers;
  for (const Row* row : group)
    if (const Row& value = value_of(*row, column); value.is_number()) numbers.push_back(value.get<double>());
  return numbers;
}

bool is_measured(const std::string& column) {
  return is_percent(column) || column == "time" || column == "last_loss";
}

std::string measured_text(const Group& group, const std::string& column) {
  const std::vector<double> values = numbers_of(group, column);
  if (values.empty()) return "";
  const MeanDeviation m = mean_deviation(values);
  if (column == "time" || values.size() == 1) return number_text(m.mean, column);
  return fmt::format("{} ± {}{}", number_text(m.mean, column), number_text(m.deviation, column),
                     values.size() == group.size() ? "" : fmt::format(" (n {})", values.size()));
}

constexpr const char* seed_mark = "-seed";

// "b6" of "b6-seed3", as --seeds names a run of that seed; "" of another name.
std::string stem_of(const Row& row) {
  const std::string name = row.at("run").get<std::string>();
  const std::string ending = seed_mark + value_of(row, "run.seed").dump();
  return name.ends_with(ending) ? name.substr(0, name.size() - ending.size()) : "";
}

// "b6-seed*", as a shell would name them.
std::string name_of(const Group& group) {
  const std::string stem = stem_of(*group[0]);
  if (stem.empty()) return printable(group[0]->at("run").get<std::string>()) + ", …";
  return printable(stem + seed_mark) + "*";
}

Row sort_value(const Group& group, const std::string& column) {
  const std::vector<double> numbers = numbers_of(group, column);
  return numbers.empty() ? value_of(*group[0], column) : Row(mean_deviation(numbers).mean);
}

// Runs with the same of these have the same keys in a section, but for what was said of them.
std::string kind_of(const Row& row, const std::string& column) {
  return value_of(row, column.substr(0, column.find('.')) + ".name").dump() +
         value_of(row, "train.method").dump();
}

// Not so where another optimiser has no such key: its name says that.
bool differs(const std::vector<Row>& rows, const std::string& column) {
  std::set<std::string> values, with, without;
  for (const Row& row : rows) {
    const Row& value = value_of(row, column);
    (value.is_null() ? without : with).insert(kind_of(row, column));
    if (!value.is_null()) values.insert(json_text(value));
  }
  return values.size() > 1 || std::any_of(with.begin(), with.end(),
                                          [&](const std::string& kind) { return without.contains(kind); });
}

}  // namespace

std::string cell_text(const Row& row, const std::string& column) {
  const Row& value = value_of(row, column);
  if (value.is_null()) return "";
  if (column == "epoch")
    return fmt::format("{:.4g}/{}", value.get<double>(), value_of(row, "train.epochs").dump());
  if (value.is_number()) return number_text(value.get<double>(), column);
  if (value.is_string()) return printable(value.get<std::string>());
  if (!value.is_array() || value.empty() || !value[0].is_number()) return printable(value.dump());
  std::vector<std::string> items;
  for (const Row& item : value) items.push_back(fmt::format("{:.4g}", item.get<double>()));
  return fmt::format("[{}]", fmt::join(items, ", "));
}

std::vector<std::string> differing_settings(const std::vector<Row>& rows) {
  std::vector<std::string> differing;
  for (const std::string& column : known_columns(rows))
    if (is_setting(column) && !is_place(column) && column != "init.from" && differs(rows, column))
      differing.push_back(column);
  return differing;
}

std::vector<Group> group_by_seed(const std::vector<Row>& rows, bool each) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> places;  // of what the runs of a group have in common
  std::map<std::string, int> seen;            // with the seed
  for (const Row& row : rows) {
    std::string common = row.at("command").dump() + stem_of(row);
    for (const auto& [column, value] : row.items())
      if (is_setting(column) && !is_place(column) && column != "run.seed")
        common += column + json_text(value);
    const int repeat = seen[common + value_of(row, "run.seed").dump()]++;
    const auto [place, is_new] = places.try_emplace(common + std::to_string(repeat), groups.size());
    if (is_new || each) {
      groups.push_back({&row});
    } else {
      groups[place->second].push_back(&row);
    }
  }
  return groups;
}

std::string group_text(const Group& group, const std::string& column) {
  if (column == "n") return std::to_string(group.size());
  if (group.size() == 1) return cell_text(*group[0], column);
  if (column == "run") return name_of(group);
  if (is_measured(column)) return measured_text(group, column);
  std::vector<std::string> texts;
  std::map<std::string, int> counts;
  for (const Row* row : group) {
    const std::string text = cell_text(*row, column);
    if (counts[text]++ == 0) texts.push_back(text);
  }
  if (column == "status" && texts.size() > 1)
    for (std::string& text : texts) text = fmt::format("{} {}", counts[text], text);
  return fmt::format("{}", fmt::join(texts, column == "status" ? ", " : ","));
}

void sort_groups(std::vector<Group>& groups, const std::vector<std::string>& columns, bool reverse) {
  std::stable_sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
    for (const std::string& column : columns) {
      const Row x = sort_value(a, column), y = sort_value(b, column);
      if (x.is_null() != y.is_null()) return y.is_null();
      if (comes_before(x, y)) return !reverse;
      if (comes_before(y, x)) return reverse;
    }
    return false;
  });
}

}  // namespace smlp
