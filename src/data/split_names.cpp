#include "smlp/data/split_names.hpp"

#include <algorithm>
#include <utility>

#include "smlp/core/text.hpp"

namespace smlp {
namespace {

constexpr std::pair<std::string_view, const char*> words[] = {{"train", "train"},
                                                              {"training", "train"},
                                                              {"test", "test"},
                                                              {"testing", "test"},
                                                              {"val", "val"},
                                                              {"valid", "val"},
                                                              {"validation", "val"},
                                                              {"validate", "val"},
                                                              {"dev", "val"},
                                                              {"eval", "val"},
                                                              {"evaluation", "val"},
                                                              {"unlabeled", "unlabeled"},
                                                              {"unlabelled", "unlabeled"}};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::string split_of_word(std::string_view word) {
  const std::string lower = lower_case(word);
  for (const auto& [name, split] : words)
    if (name == lower) return split;
  return "";
}

SplitInName split_in_name(std::string_view name) {
  SplitInName found;
  while (!name.empty()) {
    const bool letters = is_letter(name[0]);
    const auto end = std::find_if(name.begin(), name.end(), [&](char c) { return is_letter(c) != letters; });
    const std::string_view part = name.substr(0, static_cast<std::size_t>(end - name.begin()));
    name.remove_prefix(part.size());
    const std::string split = split_of_word(part);
    if (split.empty())
      found.rest += part;
    else if (std::find(found.splits.begin(), found.splits.end(), split) == found.splits.end())
      found.splits.push_back(split);
  }
  return found;
}

}  // namespace smlp
