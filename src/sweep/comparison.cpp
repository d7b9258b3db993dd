#include "smlp/sweep/comparison.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::string value_of(const Settings& settings, const std::string& key) {
  const auto found = std::ranges::find(settings, key, &Settings::value_type::first);
  return found == settings.end() ? "" : found->second;
}

std::optional<double> number_in(const std::string& text) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

// 97.5 % quantile of Student's t: a table to ten degrees of freedom, then Fisher's expansion, which is within
// 0.1 % of it.
double student_t(std::size_t freedom) {
  constexpr std::array table{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228};
  if (freedom <= table.size()) return table[freedom - 1];
  constexpr double z = 1.959964;
  const double n = static_cast<double>(freedom);
  return z + (std::pow(z, 3) + z) / (4 * n) +
         (5 * std::pow(z, 5) + 16 * std::pow(z, 3) + 3 * z) / (96 * n * n);
}

// In their order.
std::vector<std::string> keys_of(const std::vector<Trial>& trials) {
  std::vector<std::string> keys;
  for (const Trial& trial : trials)
    for (const auto& [key, value] : trial.settings)
      if (std::ranges::count(keys, key) == 0) keys.push_back(key);
  return keys;
}

bool differs(const std::vector<Trial>& trials, const std::string& key) {
  return std::ranges::any_of(
      trials, [&](const Trial& t) { return value_of(t.settings, key) != value_of(trials[0].settings, key); });
}

// The trials that differ in nothing but the seed.
struct Choice {
  Settings settings;  // those that are chosen among
  std::vector<const Trial*> trials;

  double mean() const {
    double sum = 0;
    for (const Trial* trial : trials) sum += trial->score;
    return sum / static_cast<double>(trials.size());
  }
  std::vector<double> values(double Trial::*member) const {
    std::vector<double> found;
    for (const Trial* trial : trials) found.push_back(trial->*member);
    return found;
  }
};

// What one row is chosen from.
struct Candidates {
  std::vector<std::string> values;  // of the keys that are compared
  double x = 0;
  std::vector<Choice> choices;

  std::string name() const { return fmt::format("{}", fmt::join(values, " ")); }
};

class Comparer {
 public:
  Comparer(const Trials& trials, const ComparisonOptions& options)
      : trials_(trials.finished), options_(options), keys_(keys_of(trials_)), by_(compared_keys()) {}

  SweepComparison result() {
    collect();
    SweepComparison result{.by = by_, .rows = {}, .remarks = {}};
    for (const Candidates& each : candidates_) result.rows.push_back(best_of(each, result.remarks));
    hold_against(result.rows);
    return result;
  }

 private:
  void check_key(const std::string& key) const;
  std::vector<std::string> compared_keys() const;
  double x_of(const Trial& trial) const;
  void collect();
  ComparisonRow best_of(const Candidates& candidates, std::vector<std::string>& remarks);
  void hold_against(std::vector<ComparisonRow>& rows) const;

  const std::vector<Trial>& trials_;
  const ComparisonOptions& options_;
  std::vector<std::string> keys_, by_;
  std::vector<Candidates> candidates_;
  std::vector<const Choice*> best_;  // of each of the candidates
};

void Comparer::check_key(const std::string& key) const {
  if (std::ranges::count(keys_, key) != 0) return;
  if (key == "run.seed")
    fail(ErrorKind::usage, "run.seed: runs that differ in the seed alone are one sample");
  if (is_cost(key)) fail(ErrorKind::usage, "{}: it is no setting, but an axis: --x {}", key, key);
  if (key == "epoch")
    fail(ErrorKind::usage,
         "epoch: it is of the weights that something starts from, and goes with --downstream");
  fail(ErrorKind::usage, "\"{}\": no key of the sweep's grid, which has {}", key,
       keys_.empty() ? "the seed alone" : fmt::format("{}", fmt::join(keys_, ", ")));
}

std::vector<std::string> Comparer::compared_keys() const {
  if (!options_.x.empty() && !is_cost(options_.x)) check_key(options_.x);
  std::vector<std::string> keys;
  for (const std::string& key : options_.by) {
    check_key(key);
    if (key == options_.x) fail(ErrorKind::usage, "{} is in --by and --x: one of them is enough", key);
    if (std::ranges::count(keys, key) == 0) keys.push_back(key);
  }
  if (!keys.empty()) return keys;
  std::ranges::copy_if(keys_, std::back_inserter(keys),
                       [&](const std::string& key) { return key != options_.x && differs(trials_, key); });
  return keys;
}

double Comparer::x_of(const Trial& trial) const {
  if (options_.x.empty()) return 0;
  if (options_.x == "parameters") return trial.parameters;
  if (options_.x == "macs") return trial.macs;
  const std::string text = value_of(trial.settings, options_.x);
  const std::optional<double> x = number_in(text);
  if (text.empty()) fail(ErrorKind::usage, "--x {}: not every grid of the sweep sets it", options_.x);
  if (!x)
    fail(ErrorKind::usage, "--x {}: \"{}\" is no number; compare such values with --by", options_.x, text);
  return *x;
}

void Comparer::collect() {
  std::vector<std::string> chosen_keys;
  for (const std::string& key : keys_)
    if (std::ranges::count(by_, key) == 0 && key != options_.x && differs(trials_, key))
      chosen_keys.push_back(key);
  for (const Trial& trial : trials_) {
    std::vector<std::string> values;
    Settings others;
    for (const std::string& key : by_) values.push_back(value_of(trial.settings, key));
    for (const std::string& key : chosen_keys) others.emplace_back(key, value_of(trial.settings, key));
    std::ranges::replace(values, "", "-");
    const double x = x_of(trial);
    auto place = std::ranges::find_if(candidates_,
                                      [&](const Candidates& c) { return c.values == values && c.x == x; });
    if (place == candidates_.end()) place = candidates_.insert(place, {values, x, {}});
    auto choice = std::ranges::find(place->choices, others, &Choice::settings);
    if (choice == place->choices.end()) choice = place->choices.insert(choice, {others, {}});
    choice->trials.push_back(&trial);
  }
  std::map<std::vector<std::string>, std::size_t> order;
  for (const Candidates& each : candidates_) order.try_emplace(each.values, order.size());
  std::ranges::stable_sort(candidates_, {},
                           [&](const Candidates& c) { return std::pair(order[c.values], c.x); });
}

// Of a setting with at least three numbers, the best of which is the least or the largest: "the largest".
std::string edge_of(const Candidates& candidates, const std::string& key, const std::string& best) {
  std::set<double> tried;
  for (const Choice& choice : candidates.choices)
    if (const auto number = number_in(value_of(choice.settings, key))) tried.insert(*number);
  const auto chosen = number_in(best);
  constexpr std::size_t telling = 3;
  if (tried.size() < telling || !chosen) return "";
  return *chosen == *tried.begin() ? "the least" : *chosen == *tried.rbegin() ? "the largest" : "";
}

ComparisonRow Comparer::best_of(const Candidates& candidates, std::vector<std::string>& remarks) {
  const auto seeds = [](const Choice& choice) { return choice.trials.size(); };
  const std::size_t most = seeds(*std::ranges::max_element(candidates.choices, {}, seeds));
  const Choice* best = nullptr;
  std::size_t fewer = 0;
  for (const Choice& choice : candidates.choices) {
    if (seeds(choice) < most)
      ++fewer;
    else if (best == nullptr || choice.mean() > best->mean())
      best = &choice;
  }
  best_.push_back(best);
  if (fewer > 0)
    remarks.push_back(fmt::format("{}: {} of {} choices have fewer than {} seeds, and are not chosen",
                                  candidates.name(), fewer, candidates.choices.size(), most));
  for (const auto& [key, value] : best->settings)
    if (const std::string edge = edge_of(candidates, key, value); !edge.empty())
      remarks.push_back(
          fmt::format("{}: the best {}, {}, is {} that was tried: there may be a better one beyond",
                      candidates.name(), key, value, edge));
  return {.values = candidates.values,
          .name = candidates.name(),
          .x = candidates.x,
          .chosen = best->settings,
          .choices = candidates.choices.size(),
          .seeds = most,
          .score = spread_of(best->values(&Trial::score)),
          .top1 = spread_of(best->values(&Trial::top1)),
          .difference = std::nullopt};
}

// Of the test split, by the seeds that both have.
std::optional<Spread> difference_of(const Choice& choice, const Choice& reference) {
  std::vector<double> differences;
  for (const Trial* trial : choice.trials)
    for (const Trial* other : reference.trials)
      if (trial->seed == other->seed) differences.push_back(trial->top1 - other->top1);
  if (differences.empty()) return std::nullopt;
  return spread_of(differences);
}

void Comparer::hold_against(std::vector<ComparisonRow>& rows) const {
  if (options_.against.empty()) return;
  if (std::ranges::count(rows, options_.against, &ComparisonRow::name) == 0) {
    std::set<std::string> names;
    for (const ComparisonRow& row : rows) names.insert(row.name);
    fail(ErrorKind::usage, "--against {}: no row has that name; there are {}", options_.against,
         fmt::join(names, ", "));
  }
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < rows.size(); ++j)
      if (rows[j].name == options_.against && rows[i].name != rows[j].name && rows[i].x == rows[j].x)
        rows[i].difference = difference_of(*best_[i], *best_[j]);
}

}  // namespace

bool is_cost(const std::string& x) {
  return x == "parameters" || x == "macs";
}

Spread spread_of(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double n = static_cast<double>(values.size()), mean = sum / n;
  if (values.size() < 2) return {mean, none};
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, student_t(values.size() - 1) * std::sqrt(squares / (n - 1) / n)};
}

SweepComparison compare(const Trials& trials, const ComparisonOptions& options) {
  if (trials.finished.empty())
    fail(ErrorKind::usage, "no run of the sweep is finished: there is nothing to compare");
  SweepComparison result = Comparer(trials, options).result();
  const bool chosen = std::ranges::any_of(result.rows, [](const auto& row) { return row.choices > 1; });
  if (trials.without_holdout == trials.finished.size() && chosen)
    result.remarks.emplace_back(
        "chosen by the test split, which flatters what has more to choose from: set data.holdout of these "
        "runs");
  else if (!trials.held_out() && trials.without_holdout < trials.finished.size())
    result.remarks.push_back(
        fmt::format("{} of {} runs hold nothing out (data.holdout): the test split scores all of them",
                    trials.without_holdout, trials.finished.size()));
  return result;
}

}  // namespace smlp
