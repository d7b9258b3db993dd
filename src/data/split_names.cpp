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
                                                              {"trainset", "train"},
                                                              {"minitrain", "train"},
                                                              {"testset", "test"},
                                                              {"valset", "val"},
                                                              {"validset", "val"},
                                                              {"devset", "val"},
                                                              {"evalset", "val"},
                                                              {"minival", "val"},
                                                              {"holdout", "val"},
                                                              {"heldout", "val"},
                                                              {"unlabeled", "unlabeled"},
                                                              {"unlabelled", "unlabeled"}};

bool is_small(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_letter(char c) {
  return is_small(c) || is_capital(c);
}

// Of letters up to the next capital ("Train" of "TrainImages"), or of anything but letters.
std::string_view first_part(std::string_view name) {
  std::size_t end = 1;
  while (end < name.size() && is_letter(name[end]) == is_letter(name[0]) &&
         !(is_small(name[end - 1]) && is_capital(name[end])))
    ++end;
  return name.substr(0, end);
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
    const std::string_view part = first_part(name);
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
