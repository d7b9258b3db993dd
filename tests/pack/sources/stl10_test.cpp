#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "support/images.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::Files;
using testing::Given;
using testing::Lines;
using testing::read;
using testing::refusal;
using testing::TempDir;

constexpr int side = 96;

std::uint8_t value(int seed, int channel, int x, int y) {
  return static_cast<std::uint8_t>(seed * 11 + channel * 80 + x * 3 + y * 5);
}

// A plane a channel, each column by column.
std::string image(int seed) {
  std::string bytes;
  for (int c = 0; c < 3; ++c)
    for (int x = 0; x < side; ++x)
      for (int y = 0; y < side; ++y) bytes += static_cast<char>(value(seed, c, x, y));
  return bytes;
}

Image expected(int seed) {
  Image result{side, side, {}};
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      for (int c = 0; c < 3; ++c) result.pixels.push_back(value(seed, c, x, y));
  return result;
}

constexpr const char* names = "airplane\nbird\ncar\ncat\ndeer\ndog\nhorse\nmonkey\nship\ntruck\n";

// In the training split the labels come before the images, in the test split after them.
Files stl_files(const std::string& root = "stl10_binary/") {
  return {{root + "train_y.bin", "\x01\x0a"}, {root + "train_X.bin", image(0) + image(1)},
          {root + "test_X.bin", image(2)},    {root + "test_y.bin", "\x02"},
          {root + "class_names.txt", names},  {root + "unlabeled_X.bin", image(3) + image(4)},
          {root + "fold_indices.txt", "0 1"}};
}

TEST(Stl10, TransposesPlanesOfTheArchiveAndItsFolder) {
  TempDir temp;
  testing::write_archive(temp / "stl10_binary.tar.gz", stl_files());
  testing::write_archive(temp / "content.tar", stl_files(""));
  testing::write_folder(temp / "raw", stl_files());
  for (const auto& from :
       {temp / "stl10_binary.tar.gz", temp / "content.tar", temp / "raw", temp / "raw" / "stl10_binary"}) {
    const Given given = read("stl10", from);
    EXPECT_EQ(given.samples.at("train"), (Lines{"train_X.bin:0=airplane", "train_X.bin:1=truck"}));
    EXPECT_EQ(given.samples.at("test"), (Lines{"test_X.bin:0=bird"}));
    EXPECT_EQ(given.samples.at("unlabeled"), (Lines{"unlabeled_X.bin:0=", "unlabeled_X.bin:1="}));
    EXPECT_EQ(given.result.classes.size(), 10u);
    EXPECT_EQ(given.result.skipped, 1);
    for (const RawSample& each : given.raw) {
      const int first = each.split == "train" ? 0 : each.split == "test" ? 2 : 3;
      const int seed = first + (each.name.ends_with(":1") ? 1 : 0);
      EXPECT_EQ(each.pixels.width, side);
      EXPECT_EQ(each.pixels.height, side);
      EXPECT_EQ(each.pixels.pixels, expected(seed).pixels) << each.name;
    }
  }
}

TEST(Stl10, ReadsOnlyTheSplitsAskedFor) {
  TempDir temp;
  testing::write_archive(temp / "stl.tar", stl_files());
  const Given given = read("stl10", temp / "stl.tar", {"val"});
  EXPECT_EQ(given.samples.size(), 1u);
  EXPECT_EQ(given.samples.at("test"), (Lines{"test_X.bin:0=bird"}));
  EXPECT_EQ(read("stl10", temp / "stl.tar", {"unlabeled"}).result.labels.at("unlabeled"),
            (std::vector<std::int64_t>{-1, -1}));
}

TEST(Stl10, SaysWhatIsWrong) {
  const auto changed = [](const std::function<void(Files&)>& change, const Lines& splits = {}) {
    TempDir temp;
    Files files = stl_files("");
    change(files);
    testing::write_archive(temp / "raw.tar", files);
    return refusal("stl10", temp / "raw.tar", splits);
  };
  const auto without = [&](const std::string& name, const Lines& splits = {}) {
    return changed([&](Files& f) { std::erase_if(f, [&](const auto& file) { return file.first == name; }); },
                   splits);
  };
  const auto says = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  says(changed([](Files& f) { f[0].second = "\x01\x0b"; }),
       "train_y.bin: label 11 in record 1 (byte 1), expected 1 to 10");
  says(changed([](Files& f) { f[3].second = std::string(1, '\0'); }), "test_y.bin: label 0 in record 0");
  says(changed([](Files& f) { f[3].second = "\x02\x02"; }), "test_X.bin has 1 images, test_y.bin 2 labels");
  says(changed([](Files& f) { f[0].second = std::string(1'000'001, '\1'); }), "over 1000000 labels");
  says(changed([](Files& f) { f[1].second.pop_back(); }),
       "train_X.bin: 55295 bytes, expected a multiple of 27648");
  says(changed([](Files& f) { f[4].second = "cat\n"; }), "class_names.txt lists 1 classes, expected 10");
  says(changed([](Files& f) { f.emplace_back("again/test_y.bin", "\x02"); }), "two files of this name");
  says(without("train_X.bin"), "train_X.bin is missing");
  says(without("test_y.bin"), "test_y.bin is missing");
  says(without("class_names.txt"), "class_names.txt is missing");
  says(without("unlabeled_X.bin", {"train", "unlabeled"}), "unlabeled_X.bin is missing");
  says(changed([](Files& f) { f = {{"readme", "x"}}; }), "holds none of train_X.bin");
}

}  // namespace
}  // namespace smlp
