// Folders of images as people have them.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/images.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::Files;
using testing::Given;
using testing::Lines;
using testing::read;
using testing::refusal;
using testing::TempDir;

// Empty files of these names; what a source gives does not depend on their content.
Files files_of(const std::vector<std::string>& paths) {
  Files files;
  for (const std::string& each : paths) files.emplace_back(each, "");
  return files;
}

// The same from a folder and from an archive of it.
class ClassFolders : public ::testing::Test {
 protected:
  void have(const std::vector<std::string>& paths) {
    fs::remove_all(temp_ / "raw");
    testing::write_folder(temp_ / "raw", files_of(paths));
    testing::write_archive(temp_ / "raw.tar", files_of(paths));
  }
  void expect_given(const std::map<std::string, Lines>& samples, const Lines& classes,
                    const Lines& splits = {}, const std::string& source = "folder") {
    for (const char* name : {"raw", "raw.tar"}) {
      const Given given = read(source, temp_ / name, splits, options_);
      std::map<std::string, Lines> sorted = given.samples;
      for (auto& [split, lines] : sorted) std::sort(lines.begin(), lines.end());
      EXPECT_EQ(sorted, samples) << name;
      EXPECT_EQ(given.result.classes, classes) << name;
      warnings_ = given.result.warnings;
    }
  }
  void expect_refusal(const std::string& part, const Lines& splits = {}) {
    for (const char* name : {"raw", "raw.tar"}) {
      const std::string message = refusal("folder", temp_ / name, splits, options_);
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }
  void list_classes(const std::string& text) {
    testing::write_folder(temp_.path(), {{"classes.txt", text}});
    options_.classes = temp_ / "classes.txt";
  }

  TempDir temp_;
  SourceOptions options_;
  Lines warnings_;  // of the archive
};

TEST_F(ClassFolders, KnowsSplitsByTheNamesPeopleGiveThem) {
  for (const std::string test : {"test", "val", "valid", "validation", "dev", "eval", "Testing", "VAL"}) {
    have({"Train/a/0.jpg", test + "/a/1.jpg"});
    expect_given({{"train", {"Train/a/0.jpg=a"}}, {"test", {test + "/a/1.jpg=a"}}}, {"a"});
    expect_given({{"test", {test + "/a/1.jpg=a"}}}, {"a"}, {"test"});
  }
  have({"train/a/0.jpg", "val/a/1.jpg", "valid/a/2.jpg"});
  expect_refusal("val/ and valid/ are both the val split");
}

TEST_F(ClassFolders, KnowsSplitsWrittenTogetherWithOtherWords) {
  for (const auto& [train, test] : {std::pair("trainset", "testset"), {"TrainImages", "TestImages"}}) {
    have({std::string(train) + "/a/0.jpg", std::string(test) + "/a/1.jpg"});
    expect_given(
        {{"train", {std::string(train) + "/a/0.jpg=a"}}, {"test", {std::string(test) + "/a/1.jpg=a"}}},
        {"a"});
  }
}

TEST_F(ClassFolders, ASplitsFolderMayHoldItselfOnceMore) {
  have({"seg_train/seg_train/a/0.jpg", "seg_train/seg_train/b/1.jpg", "seg_test/seg_test/a/2.jpg",
        "seg_test/seg_test/b/3.jpg", "seg_pred/seg_pred/4.jpg"});
  expect_given({{"train", {"seg_train/seg_train/a/0.jpg=a", "seg_train/seg_train/b/1.jpg=b"}},
                {"test", {"seg_test/seg_test/a/2.jpg=a", "seg_test/seg_test/b/3.jpg=b"}}},
               {"a", "b"});
  EXPECT_EQ(warnings_, (Lines{"seg_pred: not packed: it is no split, or has no class folders"}));
  have({"train/only/0.jpg", "test/only/1.jpg"});
  expect_given({{"train", {"train/only/0.jpg=only"}}, {"test", {"test/only/1.jpg=only"}}}, {"only"});
}

TEST_F(ClassFolders, SomeImagesOfEachClassMayBecomeTheTestSplit) {
  std::vector<std::string> files;
  for (int i = 0; i < 10; ++i)
    for (const char* name : {"a", "b"}) files.push_back(fmt::format("{}/{}.jpg", name, i));
  have(files);
  options_.holdout = 3;
  const auto splits = [&] {
    std::map<std::string, std::map<std::string, int>> counts;
    for (const auto& [split, samples] : read("folder", temp_ / "raw", {}, options_).samples)
      for (const std::string& sample : samples) ++counts[split][sample.substr(sample.find('=') + 1)];
    return counts;
  };
  const std::map<std::string, std::map<std::string, int>> expected{{"train", {{"a", 7}, {"b", 7}}},
                                                                   {"test", {{"a", 3}, {"b", 3}}}};
  EXPECT_EQ(splits(), expected);
  options_.holdout = 10;
  EXPECT_NE(refusal("folder", temp_ / "raw", {}, options_).find("--holdout 10 would leave none to train on"),
            std::string::npos);
  have({"train/a/0.jpg", "train/a/1.jpg", "test/a/2.jpg"});
  options_.holdout = 1;
  EXPECT_NE(refusal("folder", temp_ / "raw", {}, options_).find("there is test/ already"), std::string::npos);
}

TEST_F(ClassFolders, RefusesSplitsInsideClassesAndFoldersAroundThem) {
  have({"a/train/0.jpg", "a/test/1.jpg", "b/train/2.jpg", "b/test/3.jpg"});
  expect_refusal("a/ holds only folders: test, train; splits are looked for outside the classes");
  have({"train/images/a/0.jpg", "train/images/b/1.jpg", "val/images/a/2.jpg", "val/images/b/3.jpg"});
  expect_refusal("images/ holds only folders: a, b; if these are the classes, pack them with --from ");
  have({"color/a/0.jpg", "color/b/1.jpg", "grey/a/2.jpg", "grey/b/3.jpg"});
  expect_given(
      {{"train", {"color/a/0.jpg=color", "color/b/1.jpg=color", "grey/a/2.jpg=grey", "grey/b/3.jpg=grey"}}},
      {"color", "grey"});
  EXPECT_EQ(warnings_,
            (Lines{"color/ holds only folders: a, b, and 1 more such: taken as one class with all that lies "
                   "below"}));
}

TEST_F(ClassFolders, KnowsTheProcessedImageNet21kByBothSources) {
  for (const std::string root : {"", "imagenet21k_resized/"}) {
    have({root + "imagenet21k_train/n1/0.JPEG", root + "imagenet21k_train/n2/1.JPEG",
          root + "imagenet21k_val/n1/2.JPEG", root + "imagenet21k_val/n2/3.JPEG",
          root + "imagenet21k_small_classes/n9/4.JPEG"});
    for (const char* source : {"folder", "imagenet21k"}) {
      expect_given(
          {{"train", {root + "imagenet21k_train/n1/0.JPEG=n1", root + "imagenet21k_train/n2/1.JPEG=n2"}},
           {"test", {root + "imagenet21k_val/n1/2.JPEG=n1", root + "imagenet21k_val/n2/3.JPEG=n2"}}},
          {"n1", "n2"}, {}, source);
      EXPECT_EQ(
          warnings_,
          (Lines{root + "imagenet21k_small_classes: not packed: it is no split, or has no class folders"}));
    }
  }
  options_.min_images = 2;
  EXPECT_NE(refusal("imagenet21k", temp_ / "raw", {}, options_).find("pack class folders without them"),
            std::string::npos);
}

TEST_F(ClassFolders, LabelsAreTheTrainingSplitsWhereAnotherLacksAClass) {
  have({"train/a/0.jpg", "train/b/1.jpg", "train/c/2.jpg", "val/a/3.jpg", "val/c/4.jpg"});
  fs::create_directory(temp_ / "raw/val/b");
  expect_given({{"train", {"train/a/0.jpg=a", "train/b/1.jpg=b", "train/c/2.jpg=c"}},
                {"test", {"val/a/3.jpg=a", "val/c/4.jpg=c"}}},
               {"a", "b", "c"});
  expect_given({{"test", {"val/a/3.jpg=a", "val/c/4.jpg=c"}}}, {"a", "b", "c"}, {"val"});
}

TEST_F(ClassFolders, AListChoosesClassesAndIsAWayOnFromEveryRefusal) {
  have({"train/a/0.jpg", "train/b/1.jpg", "train/none/readme.txt", "val/a/2.jpg", "val/z/3.jpg"});
  expect_refusal(
      "val/ has the class folder z, which train/ has not; move it away, or name the classes to pack");
  list_classes("b\na\n");
  expect_given({{"train", {"train/a/0.jpg=a", "train/b/1.jpg=b"}}, {"test", {"val/a/2.jpg=a"}}}, {"b", "a"});
  list_classes("a\nz\n");
  expect_given({{"train", {"train/a/0.jpg=a"}}, {"test", {"val/a/2.jpg=a", "val/z/3.jpg=z"}}}, {"a", "z"});
  list_classes("a\nowl\n");
  expect_refusal("no images of class owl, which");
}

TEST_F(ClassFolders, NumberedClassesAreInTheOrderOfTheirNumbers) {
  std::vector<std::string> paths;
  for (int i = 0; i < 12; ++i) paths.push_back(fmt::format("{}/{}.jpg", i, i));
  have(paths);
  const Given given = read("folder", temp_ / "raw.tar");
  for (int i = 0; i < 12; ++i) EXPECT_EQ(given.result.labels.at("train")[i], i);
  have({"10/0.jpg", "9/1.jpg", "x/2.jpg"});
  EXPECT_EQ(read("folder", temp_ / "raw.tar").result.classes, (Lines{"10", "9", "x"}));
}

TEST_F(ClassFolders, LooksIntoTheOneFolderAroundEverything) {
  have({"set/v2/a/0.jpg", "set/v2/b/1.jpg", "set/LICENSE"});
  expect_given({{"train", {"set/v2/a/0.jpg=a", "set/v2/b/1.jpg=b"}}}, {"a", "b"});
  have({"only/deep/0.jpg"});
  expect_given({{"train", {"only/deep/0.jpg=only"}}}, {"only"});
  have({"only/0.jpg", "only/x/1.jpg", "only/y/2.jpg"});
  expect_given({{"train", {"only/0.jpg=only", "only/x/1.jpg=only", "only/y/2.jpg=only"}}}, {"only"});
}

TEST_F(ClassFolders, AClassMayBeCalledLikeASplit) {
  have({"boat/0.jpg", "train/1.jpg"});
  expect_given({{"train", {"boat/0.jpg=boat", "train/1.jpg=train"}}}, {"boat", "train"});
  have({"invalid/x/0.jpg", "valid/x/1.jpg"});
  expect_refusal("valid/ could be a split or a class");
  list_classes("invalid\nvalid\n");
  expect_given({{"train", {"invalid/x/0.jpg=invalid", "valid/x/1.jpg=valid"}}}, {"invalid", "valid"});
}

TEST_F(ClassFolders, WhatLiesBesideTheSplitsCannotStopAPack) {
  have({"train/a/0.jpg", "test/0.jpg", "notes/x", "lost+found/x", "readme.md"});
  testing::write_folder(temp_ / "raw", {{"notes/caf\xe9.txt", ""}});
  fs::create_directory_symlink(".", temp_ / "raw/notes/loop");
  fs::permissions(temp_ / "raw/lost+found", fs::perms::none);
  expect_given({{"train", {"train/a/0.jpg=a"}}}, {"a"});
  EXPECT_EQ(warnings_, (Lines{"notes: not packed: it is no split, or has no class folders",
                              "test: not packed: it is no split, or has no class folders"}));
  fs::permissions(temp_ / "raw/lost+found", fs::perms::owner_all);
}

TEST_F(ClassFolders, NamesWhatIsNoImageByClassAndKind) {
  have({"train/a/0.jpg", "train/a/0.txt", "train/a/1.TXT", "train/a/notes", "train/b/0.png",
        "train/loose.csv"});
  expect_given({{"train", {"train/a/0.jpg=a", "train/b/0.png=b"}}}, {"a", "b"});
  EXPECT_EQ(warnings_, (Lines{"a of train: not packed, as no images: 2 .txt, 1 without extension",
                              "outside the class folders: not packed, as no images: 1 .csv"}));
}

TEST_F(ClassFolders, GivesEveryFileThatIsNamedLikeAnImageAndEveryOneThatIsOne) {
  have({"a/0.webp", "a/1.bmp", "a/2.GIF", "a/3.tif", "a/4.heic"});
  expect_given({{"train", {"a/0.webp=a", "a/1.bmp=a", "a/2.GIF=a", "a/3.tif=a", "a/4.heic=a"}}}, {"a"});
  testing::write_folder(temp_ / "raw", {{"a/5", testing::png(4, 4, 0)}});
  EXPECT_EQ(read("folder", temp_ / "raw").samples.at("train").back(), "a/5=a");
}

}  // namespace
}  // namespace smlp
