// Scores of a sweep's runs by their settings, over seeds.
#include "smlp/sweep/comparison.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "smlp/core/error.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

// Every combination has as many seeds as scores; the test split is a point below the held-out part.
void add(Trials& trials, const Settings& settings, const std::vector<double>& scores) {
  for (std::size_t seed = 0; seed < scores.size(); ++seed)
    trials.finished.push_back({.settings = settings,
                               .seed = static_cast<std::int64_t>(seed),
                               .score = scores[seed],
                               .top1 = scores[seed] - 1});
}

Trials two_optimisers() {
  Trials trials;
  add(trials, {{"optim.name", "lion"}, {"optim.lr", "0.001"}}, {50, 51, 52});
  add(trials, {{"optim.name", "lion"}, {"optim.lr", "0.003"}}, {53, 54, 55});
  add(trials, {{"optim.name", "lion"}, {"optim.lr", "0.01"}}, {10, 54, 55});
  add(trials, {{"optim.name", "sgd"}, {"schedule.name", "constant"}, {"optim.lr", "0.1"}}, {51, 52, 53.5});
  return trials;
}

TEST(Comparison, ARowHasTheSettingsOfTheBestMeanOverSeeds) {
  const SweepComparison found = compare(two_optimisers(), {.by = {"optim.name"}, .x = "", .against = ""});
  ASSERT_EQ(found.rows.size(), 2u);
  const ComparisonRow& lion = found.rows[0];
  EXPECT_EQ(lion.name, "lion");
  EXPECT_EQ(lion.choices, 3u);
  EXPECT_EQ(lion.seeds, 3u);
  EXPECT_EQ(lion.chosen, (Settings{{"optim.lr", "0.003"}, {"schedule.name", ""}}))
      << "not the one of the best seed";
  EXPECT_DOUBLE_EQ(lion.score.mean, 54);
  EXPECT_DOUBLE_EQ(lion.top1.mean, 53) << "the test split's, which chose nothing";
  EXPECT_TRUE(found.remarks.empty()) << found.remarks[0];
}

TEST(Comparison, IntervalsAreStudents) {
  EXPECT_NEAR(spread_of({1, 2, 3}).half, 2.4841377, 1e-3);  // scipy.stats.t.interval
  std::vector<double> twenty(20);
  std::iota(twenty.begin(), twenty.end(), 1.0);
  EXPECT_DOUBLE_EQ(spread_of(twenty).mean, 10.5);
  EXPECT_NEAR(spread_of(twenty).half, 2.7688209, 3e-3);
  EXPECT_TRUE(std::isnan(spread_of({7}).half)) << "one run has no interval";
}

TEST(Comparison, DifferencesArePairedBySeed) {
  Trials trials;
  add(trials, {{"label", "a"}}, {50, 60, 70});
  add(trials, {{"label", "b"}}, {52, 62, 72});
  const SweepComparison found = compare(trials, {.by = {"label"}, .x = "", .against = "a"});
  EXPECT_FALSE(found.rows[0].difference);
  ASSERT_TRUE(found.rows[1].difference);
  EXPECT_DOUBLE_EQ(found.rows[1].difference->mean, 2);
  EXPECT_NEAR(found.rows[1].difference->half, 0, 1e-9)
      << "though the seeds themselves spread over twenty points";
  EXPECT_NE(testing::error_of(ErrorKind::usage, [&] { compare(trials, {.by = {}, .x = "", .against = "c"}); })
                .find("there are a, b"),
            std::string::npos);
}

TEST(Comparison, AChoiceThatLostASeedIsNotChosen) {
  Trials trials = two_optimisers();
  trials.finished.erase(trials.finished.begin() + 3);  // of lion's 0.003
  const SweepComparison found = compare(trials, {.by = {"optim.name"}, .x = "", .against = ""});
  EXPECT_EQ(found.rows[0].chosen[0].second, "0.001");
  ASSERT_EQ(found.remarks.size(), 2u);
  EXPECT_NE(found.remarks[0].find("lion: 1 of 3 choices have fewer than 3 seeds"), std::string::npos);
  EXPECT_NE(found.remarks[1].find("the best optim.lr, 0.001, is the least that was tried"),
            std::string::npos);
}

TEST(Comparison, AnAxisIsInTheOrderOfItsNumbers) {
  const SweepComparison found =
      compare(two_optimisers(), {.by = {"optim.name"}, .x = "optim.lr", .against = ""});
  std::vector<double> xs;
  for (const ComparisonRow& row : found.rows) xs.push_back(row.x);
  EXPECT_EQ(xs, (std::vector<double>{0.001, 0.003, 0.01, 0.1}));
  EXPECT_EQ(found.rows[3].name, "sgd");
  EXPECT_TRUE(found.rows[3].chosen.size() == 1 && found.rows[3].choices == 1) << "nothing is left to choose";
  const auto refused = [](const ComparisonOptions& options) {
    return testing::error_of(ErrorKind::usage, [&] { compare(two_optimisers(), options); });
  };
  EXPECT_NE(refused({.by = {}, .x = "optim.name", .against = ""}).find("\"lion\" is no number"),
            std::string::npos);
  EXPECT_NE(refused({.by = {"optim.rate"}, .x = "", .against = ""})
                .find("no key of the sweep's grid, which has optim.name, optim.lr"),
            std::string::npos);
}

TEST(Comparison, AChoiceByTheTestSplitIsSaid) {
  Trials trials = two_optimisers();
  trials.without_holdout = trials.finished.size();
  const auto of = [&](const std::vector<std::string>& by) {
    return compare(trials, {.by = by, .x = "", .against = ""}).remarks;
  };
  ASSERT_EQ(of({"optim.name"}).size(), 1u);
  EXPECT_NE(of({"optim.name"})[0].find("set data.holdout"), std::string::npos);
  EXPECT_TRUE(of({}).empty()) << "without --by nothing is chosen";
  trials.without_holdout = 2;
  EXPECT_NE(of({}).at(0).find("2 of 12 runs hold nothing out"), std::string::npos)
      << "one run without is enough to score all by the test split";
}

TEST(Comparison, WhatAnotherGridDoesNotSetIsAValueOfItsOwn) {
  Trials trials;
  add(trials, {{"optim.lr", "0.001"}}, {50, 51});
  add(trials, {{"optim.weight_decay", "0.001"}}, {20, 21});
  const SweepComparison found = compare(trials, {.by = {}, .x = "", .against = ""});
  ASSERT_EQ(found.rows.size(), 2u) << "not four seeds of one";
  EXPECT_EQ(found.rows[0].name, "0.001 -");
  EXPECT_EQ(found.rows[1].name, "- 0.001");
  EXPECT_EQ(found.rows[1].seeds, 2u);
  EXPECT_DOUBLE_EQ(found.rows[1].score.mean, 20.5);
}

TEST(Comparison, WhatCannotBeComparedIsSaid) {
  const auto refused = [](const ComparisonOptions& options) {
    return testing::error_of(ErrorKind::usage, [&] { compare(two_optimisers(), options); });
  };
  const auto says = [&](const ComparisonOptions& options, const char* words) {
    EXPECT_NE(refused(options).find(words), std::string::npos) << refused(options);
  };
  says({.by = {"run.seed"}, .x = "", .against = ""}, "one sample");
  says({.by = {"epoch"}, .x = "", .against = ""}, "--downstream");
  says({.by = {"macs"}, .x = "", .against = ""}, "--x macs");
  says({.by = {"optim.lr"}, .x = "optim.lr", .against = ""}, "in --by and --x");
  says({.by = {}, .x = "schedule.name", .against = ""}, "not every grid of the sweep sets it");
}

}  // namespace
}  // namespace smlp
