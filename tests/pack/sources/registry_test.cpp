#include "smlp/pack/sources/registry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace smlp {
namespace {

TEST(Registry, SourcesUnderstandOptionsThatThereAreAndNoneIsOfNoUse) {
  for (const DataSource& source : data_sources()) {
    std::istringstream words(source.options);
    for (std::string word; words >> word;)
      EXPECT_TRUE(std::ranges::any_of(source_option_table,
                                      [&](const SourceOption& each) { return each.flag == word; }))
          << source.name << " " << word;
  }
  for (const SourceOption& option : source_option_table)
    EXPECT_TRUE(std::ranges::any_of(data_sources(), [&](const DataSource& each) {
      return each.understands(option.flag);
    })) << option.flag;
}

TEST(Registry, EverySourceTakesAListOfClasses) {
  for (const DataSource& source : data_sources()) EXPECT_TRUE(source.understands("--classes")) << source.name;
}

TEST(Registry, APartOfAFlagIsNotUnderstood) {
  const DataSource& source = find_data_source("imagenet21k");
  EXPECT_TRUE(source.understands("--min-images"));
  EXPECT_TRUE(source.understands("--classes"));
  for (const char* flag : {"--class", "--labels", "images", ""})
    EXPECT_FALSE(source.understands(flag)) << flag;
}

TEST(SourceOptions, AreGivenWhereTheyDifferFromTheirDefaults) {
  SourceOptions options;
  const auto given = [&] {
    std::string flags;
    for (const SourceOption& each : source_option_table)
      if (each.is_given(options)) flags += std::string(each.flag) + " ";
    return flags;
  };
  EXPECT_EQ(given(), "");
  options.coarse = true;
  options.holdout = -1;
  options.labels = "kit";
  EXPECT_EQ(given(), "--coarse --holdout --labels ");
}

}  // namespace
}  // namespace smlp
