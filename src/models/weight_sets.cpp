#include "smlp/models/weight_sets.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/models/foreign_names.hpp"
#include "smlp/models/registry.hpp"

namespace smlp {
namespace {

constexpr int longest_prefix = 8;  // parts
constexpr std::array<std::string_view, 6> average_words{"ema", "swa", "avg", "average", "averaged", "shadow"};

using ByName = std::map<std::string, const SafetensorsEntry*>;

// Every prefix that ends in a dot, and none; those of more parts first, so that of names one of which begins
// another's a tensor belongs to the longest.
std::vector<std::string> prefixes_of(const ByName& tensors) {
  std::array<std::set<std::string>, longest_prefix + 1> found;
  for (const auto& [name, tensor] : tensors) {
    std::size_t end = 0;
    for (int parts = 0; parts <= longest_prefix; ++parts) {
      found[static_cast<std::size_t>(parts)].insert(name.substr(0, end));
      end = name.find('.', end) + 1;
      if (end == 0) break;
    }
  }
  std::vector<std::string> prefixes;
  for (const auto& each : found) prefixes.insert(prefixes.end(), each.begin(), each.end());
  std::ranges::reverse(prefixes);
  return prefixes;
}

std::vector<SafetensorsEntry> tensors_below(const std::string& prefix, const ByName& tensors) {
  std::vector<SafetensorsEntry> below;
  for (auto it = tensors.lower_bound(prefix); it != tensors.end() && it->first.starts_with(prefix); ++it) {
    below.push_back(*it->second);
    below.back().name.erase(0, prefix.size());
  }
  return below;
}

[[noreturn]] void refuse_unknown(const ByName& tensors, const std::string& file) {
  constexpr std::size_t shown = 3;
  std::vector<std::string> names, families;
  for (const auto& [name, tensor] : tensors)
    if (names.size() < shown) names.push_back(printable(name));
  for (const ModelFamily& family : model_table()) families.emplace_back(family.name);
  fail(ErrorKind::data, "{}: its {} tensors{}{}{} are not those of a model known here ({})", file,
       tensors.size(), names.empty() ? "" : ": ", fmt::join(names, ", "),
       tensors.size() > shown ? ", …,"
       : names.empty()        ? ""
                              : ",",
       fmt::join(families, ", "));
}

bool has_word(const std::string& name, std::string_view word) {
  const std::string_view separators = "._-";
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find_first_of(separators, begin), name.size());
    if (std::string_view(name).substr(begin, end - begin) == word) return true;
    begin = end + 1;
  }
  return false;
}

std::string listed(const std::vector<WeightSet>& sets) {
  std::vector<std::string> names;
  for (const WeightSet& set : sets) names.push_back(fmt::format("\"{}\"", printable(set.name)));
  return fmt::format("{}", fmt::join(names, ", "));
}

// Takes the set below `prefix`, if there is one, out of `tensors`.
std::optional<WeightSet> take_set(const std::string& prefix, ByName& tensors) {
  std::vector<SafetensorsEntry> below = tensors_below(prefix, tensors);
  const TensorShapes shapes(below);
  auto model = recognise_foreign(shapes);
  if (!model) model = recognise(shapes);
  if (!model) return std::nullopt;
  for (const SafetensorsEntry& each : below) tensors.erase(prefix + each.name);
  return WeightSet{prefix.substr(0, prefix.size() - !prefix.empty()), std::move(*model), std::move(below)};
}

}  // namespace

bool WeightSet::is_average() const {
  return std::ranges::any_of(average_words, [&](std::string_view word) { return has_word(name, word); });
}

WeightSets find_weight_sets(std::span<const SafetensorsEntry> tensors, const std::string& file) {
  ByName by_name;
  for (const SafetensorsEntry& each : tensors) by_name.emplace(each.name, &each);
  WeightSets found;
  std::string contradiction;
  for (const std::string& prefix : prefixes_of(by_name)) {
    try {
      if (auto set = take_set(prefix, by_name)) found.sets.insert(found.sets.begin(), std::move(*set));
    } catch (const Error& error) {
      contradiction = error.what();
    }
  }
  if (found.sets.empty() && !contradiction.empty()) fail(ErrorKind::data, "{}: {}", file, contradiction);
  if (found.sets.empty()) refuse_unknown(by_name, file);
  for (const auto& [name, tensor] : by_name) found.others.push_back(name);
  return found;
}

const WeightSet& choose_weights(const WeightSets& found, const std::optional<std::string>& wanted,
                                const std::string& file) {
  std::vector<const WeightSet*> fitting;
  const bool alone = found.sets.size() == 1;
  for (const WeightSet& set : found.sets)
    if (wanted ? has_word(set.name, *wanted) : alone || !set.is_average()) fitting.push_back(&set);
  for (const WeightSet& set : found.sets)
    if (set.name == wanted) fitting = {&set};
  if (fitting.empty() && wanted && alone && found.sets.front().name.empty())
    fail(ErrorKind::data, "{}: its weights have no name, and no others are in it: leave --weights {} out",
         file, printable(*wanted));
  if (fitting.size() != 1)
    fail(ErrorKind::data, "{}: {} weights{} in it; choose with --weights among {}", file,
         fitting.empty() && wanted ? "no" : "several",
         wanted ? fmt::format(" called \"{}\"", printable(*wanted)) : "", listed(found.sets));
  return *fitting.front();
}

}  // namespace smlp
