#include "smlp/run/training_state.hpp"

#include <cmath>
#include <regex>

#include "support/errors.hpp"

namespace smlp {
namespace {

using testing::error_of;

TrainingState some_state() {
  TrainingState state;
  state.step = 7;
  state.classes = {"a", "b"};
  state.log_sizes = {{"log.txt", 12}};
  state.epoch_totals.loss = 0.5;
  return state;
}

TEST(TrainingState, TextReadsBackToItself) {
  TrainingState state = some_state();
  state.best = {3, 7, 51.25, 50.5, 90};
  state.evaluation_due = true;
  state.preparation = {32, "crop", "fast"};
  state.evaluations_since_best = 4;
  const PartHashes hashes{{"model.safetensors", "00ff"}};
  const std::string text = state_text(state, hashes);
  const StateFile back = parse_state(text, "state.json");
  EXPECT_EQ(state_text(back.state, back.hashes), text);
  EXPECT_EQ(back.state.best.score, 51.25);
  EXPECT_EQ(back.state.preparation.resize, "crop");
  EXPECT_EQ(back.state.evaluations_since_best, 4);
  EXPECT_EQ(parse_state(state_text(some_state(), hashes), "state.json").state.preparation.size, 0);
}

TEST(TrainingState, WhatAnEarlierVersionDidNotSumIsNotKnown) {
  std::string text = state_text(some_state(), {});
  const std::regex sums(R"(("log_totals": \[)([^\]]*)\])");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(text, found, sums));
  const StateFile old = parse_state(std::regex_replace(text, sums, "$1 4.0, 2.0, 8.0, 1.0]"), "state.json");
  EXPECT_EQ(old.state.log_totals.mean_loss(), 0.5);
  EXPECT_EQ(old.state.log_totals.seen(4), 12);
  EXPECT_TRUE(std::isnan(old.state.log_totals.mean_grad_norm()));
  const StateFile again = parse_state(state_text(old.state, {}), "state.json");
  EXPECT_TRUE(std::isnan(again.state.log_totals.images_per_s(4)));
  error_of(ErrorKind::data,
           [&] { parse_state(std::regex_replace(text, sums, "$1 4.0, 2.0]"), "state.json"); });
}

TEST(TrainingState, DamagedOrHostileTextIsRefused) {
  TrainingState state = some_state();
  state.preparation = {32, "crop", "fast"};
  const std::string text = state_text(state, {{"model.safetensors", "00ff"}});
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string damaged = text;
    ASSERT_NE(damaged.find(from), std::string::npos) << from;
    damaged.replace(damaged.find(from), from.size(), to);
    error_of(ErrorKind::data, [&] { parse_state(damaged, "state.json"); });
  };
  refused("\"step\": 7", "\"step\": -7");
  refused("\"version\": 1", "\"version\": 2");
  refused("\"step\": 7", "\"step\": 7e30");
  refused("\"log.txt\": 12", "\"log.txt\": -12");
  refused("model.safetensors", "../model.safetensors");
  refused("model.safetensors", "state.json");
  refused("\"size\": 32", "\"size\": 0");
  refused("\"size\": 32", "\"size\": 4294967328");
  refused("\"resize\": \"crop\"", "\"resize\": \"../crop\"");
  refused("\"decode\": \"fast\"", "\"decode\": 1");
  refused("\"hashes\"", "\"hash\"");
  refused("{", "[");
}

}  // namespace
}  // namespace smlp
