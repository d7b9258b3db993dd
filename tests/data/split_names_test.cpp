#include "smlp/data/split_names.hpp"

#include <gtest/gtest.h>

namespace smlp {
namespace {

TEST(SplitNames, KnowTheWordsPeopleUseInAnyCase) {
  for (const char* word : {"train", "Train", "TRAINING"}) EXPECT_EQ(split_of_word(word), "train") << word;
  for (const char* word : {"val", "valid", "Validation", "dev", "EVAL"})
    EXPECT_EQ(split_of_word(word), "val") << word;
  for (const char* word : {"test", "testing", "Test"}) EXPECT_EQ(split_of_word(word), "test") << word;
  EXPECT_EQ(split_of_word("unlabelled"), "unlabeled");
  for (const char* word : {"", "trained", "invalid", "trainval", "device"})
    EXPECT_EQ(split_of_word(word), "") << word;
}

TEST(SplitNames, AreWordsBetweenOtherCharactersThanLetters) {
  const SplitInName processed = split_in_name("imagenet21k_train");
  EXPECT_EQ(processed.splits, (std::vector<std::string>{"train"}));
  EXPECT_EQ(processed.rest, "imagenet21k_");
  EXPECT_EQ(split_in_name("val2017").rest, "2017");
  EXPECT_EQ(split_in_name("set-Valid-000.tar").splits, (std::vector<std::string>{"val"}));
  EXPECT_TRUE(split_in_name("constrained.tar").splits.empty());
  EXPECT_EQ(split_in_name("train-dev-0.tar").splits, (std::vector<std::string>{"train", "val"}));
}

}  // namespace
}  // namespace smlp
