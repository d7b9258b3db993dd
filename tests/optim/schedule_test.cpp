#include "smlp/optim/schedule.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "smlp/core/files.hpp"
#include "smlp/train/config_files.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

using testing::error_of;

RunConfig config_of(const std::vector<std::string>& settings) {
  std::vector<ConfigNode> overrides;
  for (const std::string& each : settings) overrides.push_back(parse_override(each));
  return load_run_config(std::nullopt, std::move(overrides));
}

// scripts/make_golden_schedules.py: what torch.optim.lr_scheduler's make of the same settings.
TEST(Schedules, RatesArePyTorchs) {
  const fs::path file = fs::path(SMLP_SOURCE_DIR) / "tests/golden/schedules.json";
  const auto cases = nlohmann::json::parse(read_file(file, 1 << 20));
  ASSERT_GE(cases.size(), 9u);
  for (const auto& each : cases) {
    const RunConfig config = config_of(each["settings"]);
    const std::vector<double> rates = each["rates"];
    const ScheduleSpan span{
        .total_steps = std::ssize(rates), .steps_per_epoch = each["steps_per_epoch"], .lr = config.optim->lr};
    for (std::int64_t step = 0; step < std::ssize(rates); ++step)
      EXPECT_NEAR(span.lr * config.schedule->factor(step, span) / rates[static_cast<std::size_t>(step)], 1,
                  1e-9)
          << each["settings"] << " at step " << step;
  }
}

TEST(Schedules, StayWithinTheirBoundsHoweverShortTheRunIs) {
  for (const char* name : {"constant", "cosine", "step", "wsd"}) {
    std::vector<std::string> settings{fmt::format("schedule.name={}", name), "schedule.warmup_steps=2"};
    if (name != std::string("constant")) settings.emplace_back("schedule.final_factor=0.1");
    const RunConfig config = config_of(settings);
    for (const std::int64_t total : {0, 1, 2, 3}) {
      const ScheduleSpan span{.total_steps = total, .steps_per_epoch = 0.5, .lr = 1};
      EXPECT_EQ(config.schedule->factor(0, span), 0.5) << name;
      for (std::int64_t step = 1; step < 6; ++step) {
        EXPECT_GE(config.schedule->factor(step, span), 0.1) << name;
        EXPECT_LE(config.schedule->factor(step, span), 1) << name;
      }
    }
    for (const std::int64_t past : {12, 13, 1000})
      EXPECT_NEAR(config.schedule->factor(past, {.total_steps = 12, .steps_per_epoch = 0.1, .lr = 1}),
                  name == std::string("constant") ? 1 : 0.1, 1e-12)
          << name;
  }
}

// An epoch that is no whole number of steps decays where it is done, not a step later.
TEST(Schedules, EpochsAreCountedAsTheRunCountsThem) {
  const RunConfig every = config_of({"schedule.name=step", "schedule.decay_epochs=30"}),
                  at = config_of({"schedule.name=step", "schedule.milestones=[30, 60]"});
  for (const RunConfig* config : {&every, &at}) {
    const ScheduleSpan span{.total_steps = 100000, .steps_per_epoch = 50000.0 / 48, .lr = 1};
    EXPECT_EQ(config->schedule->factor(31249, span), 1);
    EXPECT_DOUBLE_EQ(config->schedule->factor(31250, span), 0.1);
    EXPECT_DOUBLE_EQ(config->schedule->factor(62500, span), 0.01);
  }
  const RunConfig warm = config_of({"schedule.warmup_epochs=0.3"});
  EXPECT_EQ(warm.schedule->warmup({.total_steps = 100, .steps_per_epoch = 10, .lr = 1}), 3);
}

TEST(Schedules, KeysThatExcludeEachOtherAreRefused) {
  const auto refused = [](const std::vector<std::string>& settings) {
    return error_of(ErrorKind::usage, [&] { config_of(settings); });
  };
  EXPECT_NE(refused({"schedule.warmup_steps=3", "schedule.warmup_epochs=1"}).find("give one"),
            std::string::npos);
  EXPECT_NE(
      refused({"schedule.name=cosine", "schedule.final_factor=0.1", "schedule.min_lr=0"}).find("give one"),
      std::string::npos);
  EXPECT_NE(refused({"schedule.name=step", "schedule.milestones=[3, 6]", "schedule.decay_epochs=2"})
                .find("milestones is [3, 6] and schedule.decay_epochs 2; give one"),
            std::string::npos);
  EXPECT_NE(refused({"schedule.name=wsd", "optim.lr=0.1", "schedule.min_lr=0.2"}).find("optim.lr"),
            std::string::npos);
}

}  // namespace
}  // namespace smlp
