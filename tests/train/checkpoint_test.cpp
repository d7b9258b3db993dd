#include "smlp/train/checkpoint.hpp"

#include <gtest/gtest.h>

#include "smlp/core/files.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::TempDir;
using Needed = CheckpointPart::Needed;

std::vector<CheckpointPart> three_parts(float value) {
  return {{"model", {{"weight", torch::full({2}, value)}}, Needed::to_use},
          {"optimizer", {{"weight.exp_avg", torch::full({2}, 10 * value)}}, Needed::to_resume},
          {"averaged", {{"weight", torch::full({2}, 100 * value)}}, Needed::to_resume}};
}

TrainingState some_state() {
  TrainingState state;
  state.step = 7;
  state.classes = {"a", "b"};
  state.log_sizes = {{"log.txt", 12}};
  state.epoch_totals.loss = 0.5;
  return state;
}

float first(const CheckpointPart& part) {
  return part.tensors[0].second[0].item<float>();
}

TEST(Checkpoint, AnyNamedPartsComeBackAsFarAsThePurposeNeedsThem) {
  const TempDir folder;
  write_checkpoint_folder(folder / "c", three_parts(1), some_state());
  const std::vector<CheckpointPart> resumed = three_parts(2);
  const TrainingState state = load_checkpoint(folder / "c", resumed, Needed::to_resume);
  EXPECT_EQ(state.step, 7);
  EXPECT_EQ(state.log_sizes.at("log.txt"), 12u);
  EXPECT_EQ(first(resumed[0]), 1);
  EXPECT_EQ(first(resumed[1]), 10);
  EXPECT_EQ(first(resumed[2]), 100);

  const std::vector<CheckpointPart> used = three_parts(2);
  load_checkpoint(folder / "c", used, Needed::to_use);
  EXPECT_EQ(first(used[0]), 1);
  EXPECT_EQ(first(used[1]), 20) << "not needed";
}

TEST(Checkpoint, WhatATrainingLacksOrCannotUseIsRefusedToResumeButNotToUse) {
  const TempDir folder;
  write_checkpoint_folder(folder / "c", three_parts(1), some_state());
  std::vector<CheckpointPart> fewer = three_parts(2), more = three_parts(2);
  fewer.pop_back();
  more.push_back({"loader", {{"position", torch::zeros({1})}}, Needed::to_resume});
  const auto refusal = [&](const std::vector<CheckpointPart>& parts) {
    return error_of(ErrorKind::data, [&] { load_checkpoint(folder / "c", parts, Needed::to_resume); });
  };
  EXPECT_NE(refusal(fewer).find("averaged.safetensors"), std::string::npos);
  EXPECT_NE(refusal(more).find("loader.safetensors"), std::string::npos);
  load_checkpoint(folder / "c", fewer, Needed::to_use);
  load_checkpoint(folder / "c", more, Needed::to_use);
}

TEST(Checkpoint, DamageIsFoundInWhatIsLoaded) {
  const TempDir folder;
  write_checkpoint_folder(folder / "c", three_parts(1), some_state());
  std::string bytes = read_file(part_file(folder / "c", "optimizer"), 1 << 20);
  bytes.back() ^= 1;
  write_file_atomically(part_file(folder / "c", "optimizer"), bytes);
  EXPECT_NE(
      error_of(ErrorKind::data, [&] { load_checkpoint(folder / "c", three_parts(1), Needed::to_resume); })
          .find("optimizer.safetensors"),
      std::string::npos);
  load_checkpoint(folder / "c", three_parts(1), Needed::to_use);
}

}  // namespace
}  // namespace smlp
