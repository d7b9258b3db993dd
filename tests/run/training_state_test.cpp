#include "smlp/run/training_state.hpp"

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
