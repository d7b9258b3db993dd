#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "smlp/core/files.hpp"
#include "smlp/pack/sources/imagenet_labels.hpp"
#include "support/golden.hpp"
#include "support/images.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::Files;
using testing::Given;
using testing::Lines;
using testing::png;
using testing::read;
using testing::refusal;
using testing::TempDir;

std::string tar(const Files& files) {
  TempDir temp;
  testing::write_archive(temp / "x.tar", files);
  return read_file(temp / "x.tar", 1 << 20);
}

std::string image_name(int number) {
  return fmt::format("ILSVRC2012_val_{:08}.JPEG", number);
}

// Two training images of n01000000, one of n02000000 and n03000000; three validation images. By the golden
// meta.mat the IDs 1, 2, 3 are n03, n01, n02.
void write_distribution(const fs::path& folder, const std::string& meta = "meta_plain.mat") {
  fs::create_directories(folder);
  testing::write_archive(
      folder / "ILSVRC2012_img_train.tar",
      {{"n02000000.tar", tar({{"n02000000_5.JPEG", png(6, 6, 1)}})},
       {"n01000000.tar", tar({{"n01000000_7.JPEG", png(6, 6, 2)}, {"n01000000_3.JPEG", png(6, 6, 3)}})},
       {"n03000000.tar", tar({{"n03000000_1.JPEG", png(6, 6, 4)}})}});
  testing::write_archive(
      folder / "ILSVRC2012_img_val.tar",
      {{image_name(2), png(6, 6, 5)}, {image_name(1), png(6, 6, 6)}, {image_name(3), png(6, 6, 7)}});
  testing::write_archive(
      folder / "ILSVRC2012_devkit_t12.tar.gz",
      {{"ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt", "1\n2\n3\n"},
       {"ILSVRC2012_devkit_t12/data/meta.mat", read_file(testing::golden_format(meta), 1 << 20)}});
}

TEST(Imagenet, ReadsTheTarOfTarsAndTranslatesTheDevelopmentKitsNumbers) {
  for (const char* meta : {"meta_plain.mat", "meta_compressed.mat"}) {
    TempDir temp;
    write_distribution(temp / "raw", meta);
    const Given given = read("imagenet", temp / "raw", {});
    EXPECT_EQ(given.result.classes, (Lines{"n01000000", "n02000000", "n03000000"}));
    EXPECT_EQ(given.samples.at("train"),
              (Lines{"n02000000/n02000000_5.JPEG=n02000000", "n01000000/n01000000_7.JPEG=n01000000",
                     "n01000000/n01000000_3.JPEG=n01000000", "n03000000/n03000000_1.JPEG=n03000000"}));
    EXPECT_EQ(given.samples.at("test"), (Lines{image_name(2) + "=n01000000", image_name(1) + "=n03000000",
                                               image_name(3) + "=n02000000"}));
    EXPECT_EQ(
        std::string(reinterpret_cast<const char*>(given.raw[1].encoded.data()), given.raw[1].encoded.size()),
        png(6, 6, 2));
  }
}

TEST(Imagenet, TakesTheLabelsFromAListOfAnyForm) {
  TempDir temp;
  write_distribution(temp / "raw");
  const Lines expected{image_name(2) + "=n01000000", image_name(1) + "=n03000000",
                       image_name(3) + "=n02000000"};
  for (const char* list :
       {"n03000000\nn01000000\nn02000000\n",
        "ILSVRC2012_val_00000003.JPEG n02000000\r\nILSVRC2012_val_00000001.JPEG n03000000\r\n"
        "ILSVRC2012_val_00000002.JPEG n01000000\r\n",
        "ImageId,PredictionString\nILSVRC2012_val_00000002,n01000000 1 2 3 4 n01000000 5 6 7 8\n"
        "ILSVRC2012_val_00000001,n03000000 1 2 3 4 \nILSVRC2012_val_00000003,n02000000 1 2 3 4 \n"}) {
    testing::write_plainly(temp / "list.txt", list);
    SourceRequest request{temp / "raw" / "ILSVRC2012_img_val.tar", {}, {}};
    request.options.labels = temp / "list.txt";
    EXPECT_EQ(read("imagenet", request.from, request.splits, request.options).samples.at("test"), expected)
        << list;
  }
}

TEST(Imagenet, ReadsOnlyTheSplitAskedForAndClassFolders) {
  TempDir temp;
  write_distribution(temp / "raw");
  EXPECT_FALSE(read("imagenet", temp / "raw", {"val"}).samples.contains("train"));
  fs::remove(temp / "raw" / "ILSVRC2012_devkit_t12.tar.gz");
  EXPECT_EQ(read("imagenet", temp / "raw", {"train"}).samples.at("train").size(), 4u);
  testing::write_folder(temp / "folders",
                        {{"train/n01/a.JPEG", png(6, 6, 1)}, {"val/n01/b.JPEG", png(6, 6, 1)}});
  EXPECT_EQ(read("imagenet", temp / "folders", {}).samples.at("test"), (Lines{"val/n01/b.JPEG=n01"}));
}

TEST(Imagenet, RefusesLabelsBeforeTheTrainingImages) {
  TempDir temp;
  write_distribution(temp / "raw");
  SourceRequest request{temp / "raw", {}, {}};
  request.options.labels = temp / "list.txt";
  testing::write_plainly(request.options.labels, "490\n");
  const auto never = [](RawSample&& sample) { ADD_FAILURE() << sample.name; };
  EXPECT_NE(
      error_of(ErrorKind::data, [&] { find_data_source("imagenet").read(request, never); }).find("no wnid"),
      std::string::npos);
}

TEST(Imagenet, SaysWhatIsWrong) {
  TempDir temp;
  write_distribution(temp / "raw");
  SourceRequest request{temp / "raw" / "ILSVRC2012_img_val.tar", {}, {}};
  EXPECT_NE(refusal("imagenet", request.from, request.splits, request.options).find("--labels"),
            std::string::npos);
  const auto with_list = [&](const std::string& list) {
    testing::write_plainly(temp / "list.txt", list);
    request.options.labels = temp / "list.txt";
    return refusal("imagenet", request.from, request.splits, request.options);
  };
  EXPECT_NE(with_list("490\n361\n171\n").find("line 1: \"490\" has no wnid"), std::string::npos);
  EXPECT_NE(with_list("n01000000\n").find(image_name(2) + ": "), std::string::npos);
  EXPECT_NE(with_list(image_name(1) + " n01000000\n" + image_name(1) + " n01000000\n").find("there twice"),
            std::string::npos);
  EXPECT_NE(with_list("n01000000\nn02000000\n\xff\n").find("line 3"), std::string::npos);

  testing::write_archive(temp / "devkit.tar.gz",
                         {{"data/ILSVRC2012_validation_ground_truth.txt", "1\n4\n"},
                          {"data/meta.mat", read_file(testing::golden_format("meta_plain.mat"), 1 << 20)}});
  request.options.labels = temp / "devkit.tar.gz";
  EXPECT_NE(refusal("imagenet", request.from, request.splits, request.options)
                .find("line 2: \"4\" is no ILSVRC2012_ID"),
            std::string::npos);

  testing::write_archive(temp / "raw" / "ILSVRC2012_img_train.tar", {{"n01000000.tar", "no tar file"}});
  EXPECT_NE(refusal("imagenet", temp / "raw", {"train"}).find("ILSVRC2012_img_train.tar: n01000000.tar"),
            std::string::npos);
  testing::write_archive(temp / "raw" / "ILSVRC2012_img_train.tar",
                         {{"n01000000.tar", tar({{"n01_1.JPEG", png(6, 6, 1)}})}});
  EXPECT_NE(refusal("imagenet", temp / "raw", {}).find("the training images have 1 classes"),
            std::string::npos);
  testing::write_archive(temp / "other.tar", {{"readme", "x"}});
  EXPECT_NE(refusal("imagenet", temp / "other.tar", {}).find("holds neither"), std::string::npos);
}

TEST(ImagenetLabels, KnowAValidationImagesNumber) {
  EXPECT_EQ(validation_number("a/b/ILSVRC2012_val_00049999.JPEG"), 49999);
  for (const char* name : {"ILSVRC2012_val_0001.JPEG", "ILSVRC2012_val_0000000x.JPEG", "x_00000001.JPEG",
                           "ILSVRC2012_val_00000001", ""})
    EXPECT_EQ(validation_number(name), 0) << name;
}

// Class a has six images, b two, c four.
Files classes_of_tars() {
  const auto images = [](const std::string& name, int count) {
    Files files;
    for (int i = 0; i < count; ++i) files.emplace_back(fmt::format("{}_{}.JPEG", name, i), png(6, 6, i));
    return tar(files);
  };
  return {{"whole/b.tar", images("b", 2)}, {"whole/a.tar", images("a", 6)}, {"whole/c.tar", images("c", 4)}};
}

TEST(Imagenet21k, DropsRareClassesAndSetsImagesAside) {
  TempDir temp;
  testing::write_archive(temp / "winter.tar", classes_of_tars());
  testing::write_folder(temp / "winter", classes_of_tars());
  for (const char* from : {"winter.tar", "winter"}) {
    SourceRequest request{temp / from, {}, {}};
    EXPECT_EQ(read("imagenet21k", request.from, request.splits, request.options).samples.at("train").size(),
              12u);
    request.options.min_images = 4;
    request.options.holdout = 2;
    const Given given = read("imagenet21k", request.from, request.splits, request.options);
    EXPECT_EQ(given.result.classes, (Lines{"a", "c"}));
    EXPECT_EQ(given.result.skipped, 2);
    EXPECT_EQ(given.samples.at("train").size(), 4u + 2u);
    EXPECT_EQ(given.samples.at("test").size(), 2u + 2u);
    std::set<std::string> all;
    for (const auto& [split, names] : given.samples) all.insert(names.begin(), names.end());
    EXPECT_EQ(all.size(), 10u) << "no image in both";
    request.splits = {"test"};
    EXPECT_EQ(read("imagenet21k", request.from, request.splits, request.options).samples.at("test"),
              given.samples.at("test"));
  }
}

TEST(Imagenet21k, KeepsAGivenClassListAndItsOrder) {
  TempDir temp;
  testing::write_archive(temp / "winter.tar", classes_of_tars());
  testing::write_plainly(temp / "list", "c\nb\n");
  SourceRequest request{temp / "winter.tar", {}, {}};
  request.options.classes = temp / "list";
  const Given given = read("imagenet21k", request.from, request.splits, request.options);
  EXPECT_EQ(given.result.classes, (Lines{"c", "b"}));
  EXPECT_EQ(given.result.labels.at("train"), (std::vector<std::int64_t>{1, 1, 0, 0, 0, 0}));
  testing::write_plainly(temp / "list", "c\nd\n");
  EXPECT_NE(refusal("imagenet21k", request.from, request.splits, request.options).find("1 of the 2 classes"),
            std::string::npos);
  testing::write_plainly(temp / "list", "c\nc\n");
  EXPECT_NE(refusal("imagenet21k", request.from, request.splits, request.options).find("listed twice"),
            std::string::npos);
}

TEST(Imagenet21k, SaysWhatIsWrong) {
  TempDir temp;
  testing::write_archive(temp / "winter.tar", classes_of_tars());
  SourceRequest request{temp / "winter.tar", {}, {}};
  request.options.min_images = 7;
  EXPECT_NE(refusal("imagenet21k", request.from, request.splits, request.options)
                .find("no class of 3 has 7 images"),
            std::string::npos);
  request.options = {};
  request.options.holdout = 2;
  EXPECT_NE(
      refusal("imagenet21k", request.from, request.splits, request.options).find("class b has 2 images"),
      std::string::npos);
  Files files = classes_of_tars();
  files.emplace_back("again/a.tar", files[0].second);
  testing::write_archive(temp / "twice.tar", files);
  EXPECT_NE(refusal("imagenet21k", temp / "twice.tar").find("class a is there twice"), std::string::npos);
  testing::write_archive(temp / "empty.tar", {{"a.tar", tar({})}});
  EXPECT_NE(refusal("imagenet21k", temp / "empty.tar").find("holds no images"), std::string::npos);
}

}  // namespace
}  // namespace smlp
