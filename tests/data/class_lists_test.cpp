#include "smlp/data/class_lists.hpp"

#include <gtest/gtest.h>

#include "smlp/core/error.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using Names = std::vector<std::string>;

std::string refusal(const Names& model, const Names& data, bool force = false) {
  return testing::error_of(ErrorKind::data, [&] {
    check_classes_of_model({model, "the model"}, {data, "set"}, force);
  });
}

void accepted(const Names& model, const Names& data, bool force = false) {
  EXPECT_NO_THROW(check_classes_of_model({model, "the model"}, {data, "set"}, force));
}

TEST(ClassLists, AnotherOrderIsRefusedWithTheFirstDifferences) {
  const std::string message = refusal({"a", "b", "c", "d", "e"}, {"a", "c", "b", "e", "d"});
  EXPECT_NE(message.find("class 1 is \"c\" in set and \"b\" in the model"), std::string::npos) << message;
  EXPECT_NE(message.find("and 1 more"), std::string::npos) << message;
  accepted({"a", "b"}, {"b", "a"}, true);
  EXPECT_NE(refusal({"a\x1b[2J", "b"}, {"b", "a\x1b[2J"}).find("a\\x1b[2J"), std::string::npos);
}

TEST(ClassLists, AnotherCountIsRefusedAndForcedOnlyWhereEveryLabelIsAnOutput) {
  EXPECT_NE(refusal({"a", "b"}, {"a"}).find("set has 1 classes, the model has 2"), std::string::npos);
  accepted({"a", "b"}, {"a"}, true);
  refusal({"a"}, {"a", "b"});
  refusal({"a"}, {"a", "b"}, true);
}

TEST(ClassLists, OtherNamesAreRefusedUnlessForcedAndWithoutNamesCountsDecide) {
  EXPECT_NE(refusal({"tench, Tinca tinca", "dog"}, {"tench", "dog"}).find("--force-classes"),
            std::string::npos);
  accepted({"cat", "dog"}, {"airplane", "ship"}, true);
  accepted({"", ""}, {"a", "b"});
  refusal({"", ""}, {"a"});
}

TEST(ClassLists, SplitsOfOneSetMustAgreeExactly) {
  const Names a{"x", "y"}, b{"x", "z"}, c{"x"};
  check_same_classes({a, "train"}, {a, "test"});
  for (const Names& other : {b, c})
    testing::error_of(ErrorKind::data, [&] { check_same_classes({a, "train"}, {other, "test"}); });
}

TEST(ClassLists, BlanksAroundANameAreNoPartOfIt) {
  const testing::TempDir temp;
  testing::write_plainly(temp / "list.txt", "cat \n\tpolar bear\t\n \t\ndog  \n");
  EXPECT_EQ(read_class_list(temp / "list.txt"), (std::vector<std::string>{"cat", "polar bear", "dog"}));
}

TEST(ClassLists, AByteOrderMarkIsNoPartOfAName) {
  const testing::TempDir temp;
  testing::write_plainly(temp / "windows.txt",
                         "\xEF\xBB\xBF"
                         "cat\r\ndog\r\n");
  EXPECT_EQ(read_class_list(temp / "windows.txt"), (std::vector<std::string>{"cat", "dog"}));
  testing::write_plainly(temp / "wide.txt", std::string("\xFF\xFE"
                                                        "c\0a\0t\0",
                                                        8));
  EXPECT_NE(testing::error_of(ErrorKind::data, [&] { read_class_list(temp / "wide.txt"); })
                .find("save it as UTF-8"),
            std::string::npos);
}

}  // namespace
}  // namespace smlp
