#include "smlp/data/subset.hpp"

#include <algorithm>
#include <cmath>

#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/rng.hpp"

namespace smlp {
namespace {

// The samples of all classes, class after class: class c has members[start[c] .. start[c + 1]).
struct ByClass {
  std::vector<std::int64_t> start, members;
};

ByClass sort_by_class(const Dataset& dataset) {
  ByClass result{std::vector<std::int64_t>(dataset.classes() + 1), std::vector<std::int64_t>(dataset.size())};
  for (std::int64_t i = 0; i < dataset.size(); ++i) ++result.start[dataset.label(i) + 1];
  for (int c = 0; c < dataset.classes(); ++c) result.start[c + 1] += result.start[c];
  std::vector<std::int64_t> next = result.start;
  for (std::int64_t i = 0; i < dataset.size(); ++i) result.members[next[dataset.label(i)]++] = i;
  return result;
}

// Moves the first `take` elements of the class's permutation to `to` and leaves the rest, ascending, in
// `members`.
void draw(std::vector<std::int64_t>& members, std::int64_t take, std::uint64_t seed, Purpose purpose,
          int class_index, std::vector<std::int64_t>& to) {
  if (take == 0) return;
  const Permutation permutation(members.size(), seed, purpose, 0, class_index);
  std::vector<bool> taken(members.size());
  for (std::int64_t k = 0; k < take; ++k) taken[permutation(k)] = true;
  std::vector<std::int64_t> rest;
  for (std::size_t i = 0; i < members.size(); ++i) (taken[i] ? to : rest).push_back(members[i]);
  members = std::move(rest);
}

void check(const SubsetConfig& config) {
  if (!(config.fraction > 0 && config.fraction <= 1))
    fail(ErrorKind::usage, "data.fraction is {}, expected more than 0 and at most 1", config.fraction);
  if (config.per_class < 0)
    fail(ErrorKind::usage, "data.per_class is {}, expected 0 or more", config.per_class);
  if (!(config.holdout >= 0 && config.holdout < 1))
    fail(ErrorKind::usage, "data.holdout is {}, expected at least 0 and less than 1", config.holdout);
}

}  // namespace

Subset choose_subset(const Dataset& dataset, const SubsetConfig& config, std::uint64_t seed) {
  check(config);
  Subset subset;
  if (config.fraction == 1 && config.per_class == 0 && config.holdout == 0) {
    subset.train.resize(dataset.size());
    for (std::int64_t i = 0; i < dataset.size(); ++i) subset.train[i] = i;
    return subset;
  }
  const ByClass classes = sort_by_class(dataset);
  int short_of_images = 0;
  for (int c = 0; c < dataset.classes(); ++c) {
    std::vector<std::int64_t> members(classes.members.begin() + classes.start[c],
                                      classes.members.begin() + classes.start[c + 1]);
    if (members.empty()) continue;
    const auto available = static_cast<std::int64_t>(members.size());
    draw(members, std::min<std::int64_t>(std::llround(config.holdout * available), available - 1), seed,
         Purpose::holdout, c, subset.holdout);
    const auto left = static_cast<std::int64_t>(members.size());
    const std::int64_t wanted = config.per_class > 0
                                    ? config.per_class
                                    : std::max<std::int64_t>(1, std::llround(config.fraction * left));
    short_of_images += config.per_class > left ? 1 : 0;
    draw(members, std::min(wanted, left), seed, Purpose::subset, c, subset.train);
  }
  if (config.holdout > 0 && subset.holdout.empty())
    fail(ErrorKind::usage, "data.holdout {} sets no image aside: every class is too small for it",
         config.holdout);
  if (short_of_images > 0)
    log().warn("data.per_class is {}: {} of {} classes have fewer images, and give all they have",
               config.per_class, short_of_images, dataset.classes());
  std::sort(subset.train.begin(), subset.train.end());
  std::sort(subset.holdout.begin(), subset.holdout.end());
  return subset;
}

}  // namespace smlp
