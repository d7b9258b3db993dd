#include "row_query.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "smlp/config/nearest.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {
namespace {

struct Condition {
  std::string text, column, comparison, value;
};

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

Condition parse_condition(const std::string& text) {
  const std::size_t begin = text.find_first_of("=!<>");
  const std::size_t end = begin == std::string::npos ? begin : text.find_first_not_of("=!<>", begin);
  Condition c;
  c.text = text;
  if (begin != std::string::npos) {
    c.column = trimmed(text.substr(0, begin));
    c.comparison = text.substr(begin, end == std::string::npos ? end : end - begin);
    c.value = end == std::string::npos ? "" : trimmed(text.substr(end));
  }
  if (c.comparison == "==") c.comparison = "=";
  const std::vector<std::string> known{"=", "!=", "<", "<=", ">", ">="};
  if (c.column.empty() || std::find(known.begin(), known.end(), c.comparison) == known.end())
    fail(ErrorKind::usage, "--filter '{}': expected KEY OP VALUE with one of {}, as 'optim.lr>1e-4'", text,
         fmt::join(known, " "));
  return c;
}

// nan is no value to compare with: what is not finite is null.
void refuse_nan(const Condition& c) {
  if (lower_case(c.value) == "nan")
    fail(ErrorKind::usage, "--filter '{}': no value compares with nan; '{}=' finds the runs that have none",
         c.text, c.column);
}

std::optional<double> number_in(const std::string& text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

template <class T>
bool holds(const T& a, const std::string& comparison, const T& b) {
  if (comparison == "=") return a == b;
  if (comparison == "!=") return a != b;
  if (comparison == "<") return a < b;
  if (comparison == "<=") return a <= b;
  return comparison == ">" ? a > b : a >= b;
}

std::string plain_text(const Row& value) {
  return value.is_string() ? value.get<std::string>() : json_text(value);
}

bool is_plain_list(const Row& value) {
  return value.is_array() &&
         std::none_of(value.begin(), value.end(), [](const Row& item) { return item.is_structured(); });
}

// The text has its items with commas between, in brackets or without, however blanks stand.
bool same_list(const Row& list, std::string text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::istringstream words(text);
  std::size_t found = 0;
  for (std::string word; std::getline(words, word, ','); ++found) {
    word = trimmed(word);
    const std::optional<double> number = number_in(word);
    if (found >= list.size()) return false;
    const Row& item = list[found];
    if (item.is_number() && number ? item.get<double>() != *number : plain_text(item) != word) return false;
  }
  return found == list.size();
}

bool meets(const Row& value, const Condition& c) {
  const bool same_or_not = c.comparison == "=" || c.comparison == "!=";
  const bool unset = c.value.empty() || c.value == "null";
  if (value.is_null()) return c.comparison == "!=" ? !unset : same_or_not && unset;
  if (value.is_array() && !same_or_not)
    fail(ErrorKind::usage, "--filter '{}': {} is a list, which is = or != to another", c.text, c.column);
  if (is_plain_list(value)) return same_list(value, c.value) == (c.comparison == "=");
  const std::optional<double> number = number_in(c.value);
  if (value.is_number() && number) return holds(value.get<double>(), c.comparison, *number);
  if (value.is_number() && !same_or_not)
    fail(ErrorKind::usage, "--filter '{}': {} is a number, and '{}' is none", c.text, c.column, c.value);
  return holds(plain_text(value), c.comparison, c.value);
}

int rank(const Row& value) {
  return value.is_null() ? 2 : value.is_number() ? 0 : 1;
}

}  // namespace

std::vector<std::string> known_columns(const std::vector<Row>& rows) {
  std::vector<std::string> known;
  const auto add = [&](const std::string& column) {
    if (std::find(known.begin(), known.end(), column) == known.end()) known.push_back(column);
  };
  for (const KeyRow& key : RunConfig().rows())
    if (!key.value.empty()) add(key.path);
  for (const Row& row : rows)
    for (const auto& [column, value] : row.items()) add(column);
  return known;
}

void check_column(const std::string& column, const std::vector<std::string>& known,
                  const std::string& option) {
  if (std::find(known.begin(), known.end(), column) != known.end()) return;
  const auto extends = [&](const std::string& key) {
    return key.ends_with("." + column) || key.starts_with(column + "_");
  };
  const auto longer = std::find_if(known.begin(), known.end(), extends);
  fail(ErrorKind::usage, "{}: the runs have no key '{}'{}; `smlp runs --json` shows what they have", option,
       column,
       longer == known.end() ? did_you_mean(column, known) : fmt::format(" (did you mean '{}'?)", *longer));
}

void filter_rows(std::vector<Row>& rows, const std::vector<std::string>& conditions,
                 const std::vector<std::string>& known) {
  for (const std::string& text : conditions) {
    const Condition c = parse_condition(text);
    refuse_nan(c);
    check_column(c.column, known, fmt::format("--filter '{}'", text));
    std::erase_if(rows, [&](const Row& row) { return !meets(value_of(row, c.column), c); });
  }
}

bool comes_before(const Row& a, const Row& b) {
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  if (a.is_number()) return a.get<double>() < b.get<double>();
  return a.is_null() ? false : plain_text(a) < plain_text(b);
}

}  // namespace smlp
