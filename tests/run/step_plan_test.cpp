#include "smlp/run/step_plan.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace smlp {
namespace {

TEST(StepPlan, EpochsEndWhereTheirLastImageIsTaken) {
  const StepPlan plan{.images = 200, .epochs = 3, .batch_size = 64, .micro_batch = 64};
  EXPECT_EQ(plan.step_of_epoch(1), 4);
  EXPECT_EQ(plan.step_of_epoch(2), 7);
  EXPECT_EQ(plan.total_steps(), 10);
  for (const auto& [step, epochs] :
       std::vector<std::pair<int, int>>{{3, 0}, {4, 1}, {6, 1}, {7, 2}, {9, 2}, {10, 3}})
    EXPECT_EQ(plan.epochs_at(step), epochs) << step;
  EXPECT_DOUBLE_EQ(plan.epoch_at(5), 1.6);
}

TEST(StepPlan, ABatchMayHoldManyEpochs) {
  const StepPlan plan{.images = 8, .epochs = 100, .batch_size = 512, .micro_batch = 512};
  EXPECT_EQ(plan.total_steps(), 2);
  EXPECT_EQ(plan.epochs_at(1), 64);
  EXPECT_EQ(plan.epochs_at(2), 100) << "not the 128 that were taken";
}

}  // namespace
}  // namespace smlp
