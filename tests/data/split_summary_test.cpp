#include "smlp/data/split_summary.hpp"

#include <gtest/gtest.h>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/pack/pack.hpp"
#include "support/images.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::TempDir;

// Class k of `classes` has k + 1 training images, and one test image.
fs::path make_pack(const TempDir& temp, int classes) {
  testing::Files files;
  for (int c = 0; c < classes; ++c) {
    for (int i = 0; i <= c; ++i)
      files.emplace_back(fmt::format("train/{}/{}.png", c, i), testing::png(5, 5, i));
    files.emplace_back(fmt::format("test/{}/0.png", c), testing::png(5, 5, c));
  }
  testing::write_folder(temp / "raw", files);
  PackOptions options;
  options.source = "folder";
  options.from = temp / "raw";
  options.to = temp / std::to_string(classes);
  pack(options);
  return options.to;
}

TEST(SplitSummary, CountsImagesOfEachClassAndBytes) {
  TempDir temp;
  const fs::path root = make_pack(temp, 4);
  testing::write_plainly(root / "test" / "real_labels.json", "[[0], [1], [2], []]");
  const std::vector<SplitSummary> splits = summarize_splits(root.string());
  ASSERT_EQ(splits.size(), 2u);
  EXPECT_EQ(splits[0].name, "train");
  EXPECT_EQ(splits[0].data->size(), 10);
  EXPECT_EQ(splits[0].class_min, 1);
  EXPECT_EQ(splits[0].class_median, 2.5);
  EXPECT_EQ(splits[0].class_max, 4);
  EXPECT_FALSE(splits[0].real_labels);
  std::uint64_t bytes = 0;
  for (const char* file : {"images.npy", "labels.npy", "names.txt", "dataset.json"})
    bytes += fs::file_size(root / "train" / file);
  EXPECT_EQ(splits[0].bytes, bytes);
  EXPECT_EQ(splits[1].name, "test");
  EXPECT_EQ(splits[1].class_median, 1);
  EXPECT_TRUE(splits[1].real_labels);
}

TEST(SplitSummary, AnOddNumberOfClassesHasOneInTheMiddle) {
  TempDir temp;
  const std::vector<SplitSummary> splits = summarize_splits((make_pack(temp, 3) / "train/").string());
  ASSERT_EQ(splits.size(), 1u);
  EXPECT_EQ(splits[0].name, "train");
  EXPECT_EQ(splits[0].class_median, 2);
}

TEST(SplitSummary, KnowsTheEmbeddedSetAndWhatIsNone) {
  TempDir temp;
  const std::vector<SplitSummary> shapes = summarize_splits("shapes");
  ASSERT_EQ(shapes.size(), 2u);
  EXPECT_EQ(shapes[1].class_min, 400);
  EXPECT_EQ(shapes[1].bytes, 0u);
  EXPECT_TRUE(summarize_splits(temp.path().string()).empty());
}

}  // namespace
}  // namespace smlp
