#include "support/sources.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "support/images.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::Files;
using testing::Given;
using testing::Lines;
using testing::png;
using testing::read;
using testing::refusal;
using testing::TempDir;

std::string cifar_record(int label, int first_red) {
  std::string record(3073, '\0');
  record[0] = static_cast<char>(label);
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < 1024; ++i)
      record[1 + c * 1024 + i] = static_cast<char>((first_red + i + 50 * c) % 256);
  return record;
}

Files cifar_files() {
  Files files;
  for (int b = 1; b <= 5; ++b)
    files.emplace_back("cifar-10-batches-bin/data_batch_" + std::to_string(b) + ".bin",
                       cifar_record(b, b) + cifar_record(9, b));
  files.emplace_back("cifar-10-batches-bin/test_batch.bin", cifar_record(3, 7));
  files.emplace_back("cifar-10-batches-bin/batches.meta.txt",
                     "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
  return files;
}

TEST(Cifar10, ReadsTheArchiveAndItsFolderAlike) {
  TempDir temp;
  testing::write_archive(temp / "cifar-10-binary.tar.gz", cifar_files());
  testing::write_folder(temp / "unpacked", cifar_files());
  for (const fs::path& from :
       {temp / "cifar-10-binary.tar.gz", temp / "unpacked", temp / "unpacked" / "cifar-10-batches-bin"}) {
    const Given given = read("cifar10", from);
    EXPECT_EQ(given.samples.at("test"), (Lines{"test_batch.bin:0=cat"}));
    ASSERT_EQ(given.samples.at("train").size(), 10u);
    EXPECT_EQ(given.samples.at("train")[2], "data_batch_2.bin:0=bird");
    EXPECT_EQ(given.samples.at("train")[3], "data_batch_2.bin:1=truck");
    const Image& image = given.raw[0].pixels;  // planes become interleaved pixels
    EXPECT_EQ(image.width, 32);
    EXPECT_EQ(image.pixels[5 * 3 + 0], 1 + 5);
    EXPECT_EQ(image.pixels[5 * 3 + 1], 1 + 5 + 50);
    EXPECT_EQ(image.pixels[5 * 3 + 2], 1 + 5 + 100);
  }
  EXPECT_FALSE(read("cifar10", temp / "unpacked", {"test"}).samples.contains("train"));
}

TEST(Cifar10, SaysWhatIsWrong) {
  const auto changed = [](const std::function<void(Files&)>& change) {
    TempDir temp;
    Files files = cifar_files();
    change(files);
    testing::write_folder(temp / "raw", files);
    return refusal("cifar10", temp / "raw");
  };
  EXPECT_NE(changed([](Files& f) {
              f[1].second.pop_back();
            }).find("data_batch_2.bin: 6145 bytes, expected a multiple of 3073"),
            std::string::npos);
  EXPECT_NE(changed([](Files& f) { f[5].second[0] = 10; }).find("label 10 in record 0"), std::string::npos);
  EXPECT_NE(changed([](Files& f) { f.erase(f.begin()); }).find("data_batch_1.bin is missing"),
            std::string::npos);
  EXPECT_NE(changed([](Files& f) { f.pop_back(); }).find("batches.meta.txt is missing"), std::string::npos);
  EXPECT_NE(changed([](Files& f) { f[6].second = "cat\ndog\n"; }).find("lists 2 classes"), std::string::npos);
  EXPECT_NE(changed([](Files& f) { f = {{"readme", "x"}}; }).find("holds none of"), std::string::npos);
}

TEST(Cifar10, TellsOfFilesThatHaveAnotherNumberOfImagesThanPublished) {
  TempDir temp;
  Files files = cifar_files();
  for (int i = 0; i < 6; ++i) files[i].second.clear();
  for (int i = 0; i < 6; ++i)
    for (int record = 0; record < 10'000 - (i == 3 ? 1 : 0); ++record) files[i].second += cifar_record(1, 0);
  testing::write_folder(temp / "raw", files);
  const Lines warnings = read("cifar10", temp / "raw").result.warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("data_batch_4.bin: 9999 images, CIFAR-10's has 10000"), std::string::npos);
}

TEST(Cifar100, ReadsFineOrCoarseLabels) {
  TempDir temp;
  std::string fine, coarse;
  for (int i = 0; i < 100; ++i) fine += "fine" + std::to_string(i) + "\n";
  for (int i = 0; i < 20; ++i) coarse += "coarse" + std::to_string(i) + "\n";
  const std::string root = "cifar-100-binary/", record = cifar_record(99, 4);
  testing::write_archive(temp / "cifar-100-binary.tar.gz",
                         {{root + "coarse_label_names.txt", coarse},
                          {root + "fine_label_names.txt", fine},
                          {root + "test.bin", '\x13' + record},
                          {root + "train.bin", '\0' + record + '\1' + record}});
  const fs::path from = temp / "cifar-100-binary.tar.gz";
  SourceOptions options;
  Given given = read("cifar100", from, {}, options);
  EXPECT_EQ(given.samples.at("train"), (Lines{"train.bin:0=fine99", "train.bin:1=fine99"}));
  EXPECT_EQ(given.result.classes.size(), 100u);
  EXPECT_EQ(given.raw[0].pixels.pixels[1], 4 + 50);
  options.coarse = true;
  given = read("cifar100", from, {}, options);
  EXPECT_EQ(given.samples.at("train"), (Lines{"train.bin:0=coarse0", "train.bin:1=coarse1"}));
  EXPECT_EQ(given.samples.at("test"), (Lines{"test.bin:0=coarse19"}));
}

TEST(Cifar10, AListNamesTheClassesWhereTheArchiveDoesNot) {
  TempDir temp;
  Files files = cifar_files();
  files.pop_back();
  testing::write_folder(temp / "raw", files);
  testing::write_folder(temp.path(), {{"ten.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"}, {"two.txt", "a\nb\n"}});
  SourceOptions options;
  options.classes = temp / "ten.txt";
  EXPECT_EQ(read("cifar10", temp / "raw", {}, options).samples.at("test"), (Lines{"test_batch.bin:0=d"}));
  options.classes = temp / "two.txt";
  EXPECT_NE(refusal("cifar10", temp / "raw", {}, options).find("two.txt lists 2 classes, expected 10"),
            std::string::npos);
  EXPECT_NE(refusal("cifar10", temp / "raw").find("--classes can name a list"), std::string::npos);
}

// wnids.txt is not sorted, and the annotations come after the images they label.
Files tiny_files(const std::string& root) {
  return {{root + "train/n02/images/n02_0.JPEG", png(8, 8, 1)},
          {root + "train/n02/n02_boxes.txt", "n02_0.JPEG\t0\t0\t1\t1\n"},
          {root + "train/n01/images/n01_0.JPEG", png(8, 8, 2)},
          {root + "test/images/test_0.JPEG", png(8, 8, 3)},
          {root + "val/images/val_0.JPEG", png(8, 8, 4)},
          {root + "val/images/val_1.JPEG", png(8, 8, 5)},
          {root + "val/val_annotations.txt", "val_1.JPEG\tn01\t0\t0\t1\t1\nval_0.JPEG\tn02\t0\t0\t1\t1\n"},
          {root + "wnids.txt", "n02\nn01\n"}};
}

TEST(TinyImagenet, LabelsValidationImagesByTheirAnnotations) {
  TempDir temp;
  testing::write_archive(temp / "tiny.zip", tiny_files("tiny-imagenet-200/"));
  testing::write_archive(temp / "content.tar.xz", tiny_files(""));
  for (const char* name : {"tiny.zip", "content.tar.xz"}) {
    const Given given = read("tiny-imagenet", temp / name);
    const std::string root = name == std::string("tiny.zip") ? "tiny-imagenet-200/" : "";
    EXPECT_EQ(given.result.classes, (Lines{"n01", "n02"}));
    EXPECT_EQ(given.samples.at("train"),
              (Lines{root + "train/n02/images/n02_0.JPEG=n02", root + "train/n01/images/n01_0.JPEG=n01"}));
    EXPECT_EQ(given.samples.at("test"),
              (Lines{root + "val/images/val_0.JPEG=n02", root + "val/images/val_1.JPEG=n01"}));
    EXPECT_EQ(given.result.skipped, 2);  // the boxes and the unlabelled image
  }
  for (const char* split : {"test", "val"}) {
    const Given given = read("tiny-imagenet", temp / "tiny.zip", {split});
    EXPECT_EQ(given.samples.size(), 1u);
    EXPECT_EQ(given.samples.at("test").size(), 2u);
  }
}

TEST(TinyImagenet, SaysWhatIsWrong) {
  const auto changed = [](const std::function<void(Files&)>& change) {
    TempDir temp;
    Files files = tiny_files("");
    change(files);
    testing::write_folder(temp / "raw", files);
    return refusal("tiny-imagenet", temp / "raw");
  };
  EXPECT_NE(changed([](Files& f) { f[6].second = "val_1.JPEG\tn01\n"; }).find("has no line for val_0.JPEG"),
            std::string::npos);
  EXPECT_NE(
      changed([](Files& f) { f[6].second = "val_0.JPEG\tn09\nval_1.JPEG\tn01\n"; }).find("the class n09"),
      std::string::npos);
  EXPECT_NE(changed([](Files& f) {
              f[7].second = "n01\nn02\nn03\n";
            }).find("class n03 is in wnids.txt but has no folder"),
            std::string::npos);
  EXPECT_NE(changed([](Files& f) { f = {{"wnids.txt", "n01\n"}}; }).find("no images"), std::string::npos);
}

TEST(TinyImagenet, PacksOnlyTheClassesListed) {
  TempDir temp;
  testing::write_archive(temp / "tiny.zip", tiny_files("my-copy/"));
  testing::write_folder(temp.path(), {{"classes.txt", "n02\n"}});
  SourceOptions options;
  options.classes = temp / "classes.txt";
  const Given given = read("tiny-imagenet", temp / "tiny.zip", {}, options);
  EXPECT_EQ(given.samples.at("train"), (Lines{"my-copy/train/n02/images/n02_0.JPEG=n02"}));
  EXPECT_EQ(given.samples.at("test"), (Lines{"my-copy/val/images/val_0.JPEG=n02"}));
  EXPECT_EQ(given.result.classes, (Lines{"n02"}));
}

TEST(Folder, FindsSplitsAndClassesAtEveryDepth) {
  const Files classes = {{"dog/x/y/1.png", png(4, 4, 1)},
                         {"cat/0.jpeg", png(4, 4, 2)},
                         {"cat/notes.txt", "?"},
                         {".git/a/1.png", png(4, 4, 3)}};
  const auto below = [&](const std::vector<std::string>& prefixes) {
    Files files;
    for (const std::string& prefix : prefixes)
      for (const auto& [path, content] : classes) files.emplace_back(prefix + path, content);
    return files;
  };
  struct Case {
    Files files;
    std::map<std::string, std::string> roots;  // split → where its classes lie
  };
  const std::vector<Case> cases = {
      {below({""}), {{"train", ""}}},
      {below({"train/", "test/"}), {{"train", "train/"}, {"test", "test/"}}},
      {below({"data/val/", "data/train/"}), {{"train", "data/train/"}, {"test", "data/val/"}}}};
  for (const Case& each : cases) {
    TempDir temp;
    testing::write_archive(temp / "raw.tar", each.files);
    testing::write_folder(temp / "raw", each.files);
    for (const char* name : {"raw.tar", "raw"}) {
      const Given given = read("folder", temp / name);
      EXPECT_EQ(given.result.classes, (Lines{"cat", "dog"}));
      EXPECT_EQ(given.samples.size(), each.roots.size());
      for (const auto& [split, root] : each.roots) {
        Lines expected{root + "dog/x/y/1.png=dog", root + "cat/0.jpeg=cat"};
        if (name == std::string("raw")) std::swap(expected[0], expected[1]);  // folders are walked bytewise
        EXPECT_EQ(given.samples.at(split), expected);
      }
    }
  }
}

TEST(Folder, ReadsOnlyTheSplitsAskedFor) {
  TempDir temp;
  testing::write_archive(temp / "raw.zip", {{"extra/a/0.png", png(4, 4, 0)}});
  testing::write_archive(
      temp / "three.zip",
      {{"train/a/0.png", png(4, 4, 0)}, {"val/a/1.png", png(4, 4, 0)}, {"test/a/2.png", png(4, 4, 0)}});
  EXPECT_EQ(read("folder", temp / "raw.zip", {"val"}).samples.at("test"), (Lines{"extra/a/0.png=extra"}));
  EXPECT_EQ(read("folder", temp / "three.zip", {"val"}).samples.at("test"), (Lines{"val/a/1.png=a"}));
  EXPECT_EQ(read("folder", temp / "three.zip", {"test"}).samples.at("test"), (Lines{"test/a/2.png=a"}));
  EXPECT_NE(refusal("folder", temp / "three.zip").find("both test/ and val/; choose one"), std::string::npos);
  EXPECT_NE(refusal("folder", temp / "raw.zip", {"train", "test"}).find("has no train/ and test/"),
            std::string::npos);
}

TEST(Folder, SaysWhatIsWrong) {
  const auto of = [](const Files& files, const std::vector<std::string>& splits = {}) {
    TempDir temp;
    testing::write_archive(temp / "raw.tar", files);
    return refusal("folder", temp / "raw.tar", splits);
  };
  const std::string image = png(4, 4, 0);
  EXPECT_NE(of({{"train/a/0.png", image}, {"test/a/1.png", image}, {"test/b/2.png", image}})
                .find("test/ has the class folder b, which train/ has not"),
            std::string::npos);
  TempDir temp;
  testing::write_folder(temp / "raw", {{"train/a/0.png", image}, {"train/a/deep/1.png", image}});
  fs::create_directories(temp / "raw/train/b/empty");
  EXPECT_NE(refusal("folder", temp / "raw").find("the class folder b holds no images"), std::string::npos);
  EXPECT_NE(of({{"a/0.txt", "no picture"}}).find("no images in class folders"), std::string::npos);
  EXPECT_NE(of({{"a/0.png", image}}, {"unlabeled"}).find("name --split train or test"), std::string::npos);
  EXPECT_NE(of({{"train/a/0.png", image}}, {"train", "test"}).find("no images in test/"), std::string::npos);
}

}  // namespace
}  // namespace smlp
