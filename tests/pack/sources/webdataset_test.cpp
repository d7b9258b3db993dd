#include <gtest/gtest.h>

#include "support/images.hpp"
#include "support/sources.hpp"
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

void write_shard(const fs::path& path, const Files& files) {
  fs::create_directories(path.parent_path());
  testing::write_archive(path, files);
}

Files sample(const std::string& key, const std::string& label, int seed = 0) {
  return {{key + ".png", png(4, 4, seed)}, {key + ".cls", label}};
}

// In a folder whose name says no split.
class WebDataset : public ::testing::Test {
 protected:
  fs::path root() const { return temp_ / "set"; }
  Given read_one(const Files& files) {
    write_shard(root() / "a.tar", files);
    return read("webdataset", root() / "a.tar");
  }
  void expect_refusal(const Files& files, const std::string& part, const SourceOptions& options = {}) {
    fs::remove(root() / "a.tar");
    write_shard(root() / "a.tar", files);
    const std::string message = refusal("webdataset", root() / "a.tar", {}, options);
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find("a.tar"), std::string::npos) << message;
  }

  TempDir temp_;
};

TEST_F(WebDataset, PairsImagesWithLabelsOnEitherSide) {
  const Given given = read_one({{"x/0.jpg", "?"},
                                {"x/0.cls", " 2\n"},
                                {"x/0.txt", "a caption"},
                                {"1.json", R"({"label": 3, "cls": 9})"},
                                {"1.PNG", png(4, 4, 1)},
                                {"1.seg.png", "a mask"},
                                {"2.cls", "0"},
                                {"2.json", "not JSON, not looked at"},
                                {"2.jpeg", png(4, 4, 2)},
                                {"3.png", png(4, 4, 3)},
                                {"3.json", R"({"label": "cat", "cls": 1})"},
                                {"dataset.json", "[]"},
                                {"._3.png", "what macOS leaves"},
                                {"LICENSE", "free"}});
  EXPECT_EQ(given.samples.at("train"),
            (Lines{"a.tar/x/0.jpg=2", "a.tar/1.PNG=3", "a.tar/2.jpeg=0", "a.tar/3.png=1"}));
  EXPECT_EQ(given.result.classes, (Lines{"0", "1", "2", "3"}));
  EXPECT_EQ(given.result.skipped, 5);
  const std::string bytes = png(4, 4, 3);
  const auto* const first = reinterpret_cast<const std::byte*>(bytes.data());
  EXPECT_EQ(given.raw[3].encoded, (std::vector<std::byte>{first, first + bytes.size()}));
}

TEST_F(WebDataset, NamesTellSplitsApart) {
  write_shard(root() / "imagenet-train-000001.tar", sample("1", "1"));
  write_shard(root() / "imagenet-train-000000.tar.xz", sample("0", "0"));
  write_shard(root() / "validation" / "trained-0.tar", sample("0", "4"));
  testing::write_folder(root(), {{"readme.md", "x"}, {".cache/train-9.tar", "x"}});
  for (const Lines& splits : {Lines{}, Lines{"train", "test"}, Lines{"train", "val"}}) {
    const Given given = read("webdataset", root(), splits);
    EXPECT_EQ(given.samples.at("train"),
              (Lines{"imagenet-train-000000.tar.xz/0.png=0", "imagenet-train-000001.tar/1.png=1"}));
    EXPECT_EQ(given.samples.at("test"), (Lines{"validation/trained-0.tar/0.png=4"}));
    EXPECT_EQ(given.result.classes.size(), 5u);
    EXPECT_EQ(given.result.skipped, 1);
  }
  const Given given = read("webdataset", root(), {"test"});
  EXPECT_EQ(given.samples.size(), 1u);
  EXPECT_EQ(given.result.skipped, 3);
  write_shard(root() / "test-0.tar", sample("0", "0"));
  EXPECT_NE(refusal("webdataset", root()).find("both test and val files"), std::string::npos);
  EXPECT_EQ(read("webdataset", root(), {"test"}).samples.at("test"), (Lines{"test-0.tar/0.png=0"}));
}

TEST_F(WebDataset, SplitOfNamesThatSayNoneIsTheOneAskedFor) {
  write_shard(root() / "constrained.tar", sample("0", "0"));
  EXPECT_TRUE(read("webdataset", root()).samples.contains("train"));
  EXPECT_TRUE(read("webdataset", root(), {"val"}).samples.contains("test"));
  EXPECT_NE(refusal("webdataset", root(), {"train", "test"}).find("name one --split"), std::string::npos);
  EXPECT_NE(refusal("webdataset", root(), {"unlabeled"}).find("no files of the split unlabeled"),
            std::string::npos);
  write_shard(root() / "train-test.tar", sample("0", "0"));
  EXPECT_NE(refusal("webdataset", root()).find("says both train and test"), std::string::npos);
}

TEST_F(WebDataset, PatternsNameEveryShard) {
  for (int i = 8; i <= 11; ++i)
    write_shard(root() / fmt::format("s-{:03}.tar", i), sample("k", std::to_string(i - 8)));
  const Given given = read("webdataset", root() / "s-{008..011}.tar");
  EXPECT_EQ(given.samples.at("train"),
            (Lines{"s-008.tar/k.png=0", "s-009.tar/k.png=1", "s-010.tar/k.png=2", "s-011.tar/k.png=3"}));
  EXPECT_EQ(read("webdataset", root() / "s-0{10..11}.tar").samples.at("train").size(), 2u);
  const auto says = [&](const std::string& pattern, const std::string& part) {
    const std::string message = refusal("webdataset", root() / pattern);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  says("s-{007..013}.tar", "3 of 7 shards are not there, the first is " + (root() / "s-007.tar").string());
  says("s-{0..1000000}.tar", "a range of over 1000000 shards");
  says("s-{0..18446744073709551615}.tar", "a range of over 1000000 shards");
  for (const char* bad :
       {"s-{1..}.tar", "s-{2..1}.tar", "s-{a..b}.tar", "s-{-1..1}.tar", "s-{0..99999999999999999999}.tar"})
    says(bad, "is not a range");
  for (const char* bad : {"s-{0.tar", "s-{0,1}.tar", "s-{0..1}{0..1}.tar", "s-}{0..1.tar"})
    says(bad, "not a pattern of shards");
}

TEST_F(WebDataset, ListsNameClasses) {
  testing::write_folder(temp_.path(), {{"classes.txt", "cat\ndog\nowl\n"}});
  SourceOptions options;
  options.classes = temp_ / "classes.txt";
  write_shard(root() / "b.tar", sample("0", "1"));
  const Given given = read("webdataset", root(), {}, options);
  EXPECT_EQ(given.result.classes, (Lines{"cat", "dog", "owl"}));
  EXPECT_EQ(given.samples.at("train"), (Lines{"b.tar/0.png=dog"}));
  expect_refusal(sample("0", "3"), "0.cls: label 3, but " + options.classes.string() + " lists 3 classes",
                 options);
}

TEST_F(WebDataset, KnowsEveryWordForAHeldOutSplit) {
  for (const char* word :
       {"dev", "eval", "valid", "Validation", "testing", "minival", "ValShards", "heldout"}) {
    fs::remove_all(root());
    write_shard(root() / "set-train-000000.tar", sample("0", "0"));
    write_shard(root() / fmt::format("set-{}-000000.tar", word), sample("1", "0"));
    const Given given = read("webdataset", root());
    EXPECT_EQ(given.samples.at("train"), (Lines{"set-train-000000.tar/0.png=0"})) << word;
    EXPECT_EQ(given.samples.at("test").size(), 1u) << word;
  }
  write_shard(root() / "extra-0.tar", sample("2", "0"));
  EXPECT_NE(
      refusal("webdataset", root()).find("extra-0.tar: neither its name nor that of a folder says train"),
      std::string::npos);
}

TEST_F(WebDataset, TellsOfImagesWhoseKeysHaveDots) {
  const Given given =
      read_one({{"0.png", "A"}, {"0.cls", "0"}, {"0.seg.png", "B"}, {"8.v2.png", "C"}, {"8.v2.cls", "1"}});
  EXPECT_EQ(given.samples.at("train").size(), 1u);
  ASSERT_EQ(given.result.warnings.size(), 1u);
  EXPECT_NE(given.result.warnings[0].find("a key ends at the first dot"), std::string::npos)
      << given.result.warnings[0];
}

TEST_F(WebDataset, AnyFolderAboveTheShardsMayNameTheSplit) {
  for (const char* split : {"train", "val"}) {
    fs::create_directories(root() / split / "shards/part");
    write_shard(root() / split / "shards/part/000.tar", sample(split, "0"));
  }
  const Given given = read("webdataset", root());
  EXPECT_EQ(given.samples.at("train"), (Lines{"train/shards/part/000.tar/train.png=0"}));
  EXPECT_EQ(given.samples.at("test"), (Lines{"val/shards/part/000.tar/val.png=0"}));
}

TEST_F(WebDataset, TheFolderAroundAllNamesTheSplitWhereNothingElseDoes) {
  fs::create_directories(root() / "my_test_set");
  write_shard(root() / "my_test_set/000.tar", sample("0", "0"));
  for (const fs::path& from :
       {root() / "my_test_set", root() / "my_test_set/", root() / "my_test_set/000.tar"})
    EXPECT_TRUE(read("webdataset", from).samples.contains("test")) << from;
  EXPECT_TRUE(read("webdataset", root() / "my_test_set", {"train"}).samples.contains("train"));
}

TEST_F(WebDataset, ReadsOtherFormatsAndTellsOfSamplesWithoutAnImage) {
  const Given given = read_one({{"0.webp", "RIFF"},
                                {"0.cls", "0"},
                                {"1.gif", "GIF"},
                                {"1.cls",
                                 "\xEF\xBB\xBF"
                                 "1\r\n"},
                                {"2.tif", "not read, but no reason to lose it in silence"},
                                {"2.cls", "0"},
                                {"3.txt", "a caption"},
                                {"3.cls", "1"}});
  EXPECT_EQ(given.samples.at("train"), (Lines{"a.tar/0.webp=0", "a.tar/1.gif=1", "a.tar/2.tif=0"}));
  EXPECT_EQ(given.result.warnings,
            (Lines{"a.tar: samples without an image: not packed, as no images: 1 .cls"}));
}

TEST_F(WebDataset, KeysEndAtTheFirstDotAsInTheLibrary) {
  EXPECT_EQ(read_one({{"22.0/1.png", png(4, 4, 0)}, {"22.0/1.cls", "3"}}).samples.at("train"),
            (Lines{"a.tar/22.0/1.png=3"}));
  expect_refusal({{"22.05.png", png(4, 4, 0)}, {"22.05.cls", "3"}},
                 "a KEY ends at the first dot of a file's name: 22.05.png is of the kind .05.png");
}

TEST_F(WebDataset, LabelsMayBeNamesOfTheList) {
  testing::write_folder(temp_.path(), {{"classes.txt",
                                        "\xEF\xBB\xBF"
                                        "cat\r\n7\r\n"}});
  SourceOptions options;
  options.classes = temp_ / "classes.txt";
  Files files = sample("0", "cat\n");
  for (const auto& each : sample("1", "1")) files.push_back(each);
  write_shard(root() / "b.tar", files);
  EXPECT_EQ(read("webdataset", root(), {}, options).samples.at("train"),
            (Lines{"b.tar/0.png=cat", "b.tar/1.png=7"}));
}

TEST_F(WebDataset, SaysWhatIsWrong) {
  const std::string image = png(4, 4, 0);
  expect_refusal({{"0.png", image}, {"0.txt", "x"}}, "0.png: no label: neither 0.cls nor 0.json");
  expect_refusal({{"0.png", image}, {"0.cls", "1"}, {"0.jpg", image}}, "0.jpg: a second image of one key");
  expect_refusal({{"0.png", image}, {"0.cls", "1"}, {"0.CLS", "1"}}, "0.CLS: a second .cls of one key");
  expect_refusal({{"0.png", image}, {"0.cls", "1"}, {"1.txt", ""}, {"0.txt", ""}},
                 "0.txt: the key comes back");
  for (const char* text : {"", " ", "cat", "1 2", "1.0", "0x1", "99999999999999999999"})
    expect_refusal(sample("0", text), "0.cls: not a whole number");
  expect_refusal(sample("0", "-1"), "0.cls: label -1, expected 0 to 999999");
  expect_refusal(sample("0", "10000000"), "0.cls: label 10000000, expected");
  expect_refusal(sample("0", std::string((1 << 20) + 1, ' ')), "0.cls: over 1048576 bytes");
  expect_refusal({{"0.json", "{\"label\": 1"}, {"0.png", image}}, "0.json: not JSON");
  for (const char* text : {"[1]", "{}", R"({"label": 1.5})", R"({"label": true, "cls": "1"})"})
    expect_refusal({{"0.json", text}, {"0.png", image}}, "0.json: not an object with a whole number");
  expect_refusal({{"0.json", R"({"label": 18446744073709551615})"}, {"0.png", image}},
                 "0.json: label 9223372036854775807, expected");
  expect_refusal({{"0.cls", "1"}}, "holds no images");
  EXPECT_NE(refusal("webdataset", temp_ / "none.tar").find("there is no such file"), std::string::npos);
  fs::create_directories(temp_ / "empty");
  EXPECT_NE(refusal("webdataset", temp_ / "empty").find("holds no shards"), std::string::npos);
}

}  // namespace
}  // namespace smlp
