#include "smlp/pack/sources/numbered_labels.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/data/class_lists.hpp"

namespace smlp {
namespace {

constexpr std::int64_t largest_label = 1'000'000 - 1;  // each number below the largest label becomes a class

}  // namespace

NumberedLabels::NumberedLabels(const std::filesystem::path& list) : list_(list) {
  if (!list.empty()) classes_ = read_class_list(list);
  for (std::size_t i = 0; i < classes_.size(); ++i) number_of_.emplace(classes_[i], i);
}

std::optional<std::int64_t> NumberedLabels::number_of(std::string_view class_name) const {
  const auto found = number_of_.find(class_name);
  if (found == number_of_.end()) return std::nullopt;
  return found->second;
}

void NumberedLabels::add(const std::string& split, std::int64_t label, std::string_view where) {
  if (label < 0 || label > largest_label)
    fail(ErrorKind::data, "{}: label {}, expected 0 to {}", where, label, largest_label);
  if (!classes_.empty() && label >= std::ssize(classes_))
    fail(ErrorKind::data, "{}: label {}, but {} lists {} classes", where, label, list_.string(),
         classes_.size());
  labels_[split].push_back(label);
  largest_ = std::max(largest_, label);
}

SourceResult NumberedLabels::finish(std::int64_t skipped) const {
  SourceResult result{classes_, labels_, skipped};
  if (classes_.empty())
    for (std::int64_t label = 0; label <= largest_; ++label) result.classes.push_back(std::to_string(label));
  return result;
}

}  // namespace smlp
