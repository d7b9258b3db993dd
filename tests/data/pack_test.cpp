#include "smlp/data/pack.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "smlp/core/files.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/formats/resample.hpp"
#include "support/errors.hpp"
#include "support/images.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::Files;
using testing::picture;
using testing::png;
using testing::TempDir;

PackOptions options_for(const TempDir& temp, const std::string& from) {
  PackOptions options;
  options.source = "folder";
  options.from = temp / from;
  options.to = temp / "pack";
  return options;
}

void expect_image(const Dataset& data, std::int64_t i, const Image& expected) {
  ASSERT_EQ(data.image_size(), expected.width);
  EXPECT_EQ(std::memcmp(data.image(i), expected.pixels.data(), expected.pixels.size()), 0) << "image " << i;
}

bool nothing_left(const TempDir& temp) {
  return !fs::exists(temp / "pack");
}

TEST(Pack, KeepsImagesLabelsNamesAndOrder) {
  TempDir temp;
  Files files;
  std::string names;
  for (int i = 0; i < 300; ++i) {  // more than a chunk of the decoder
    files.emplace_back("train/" +
                           std::string(i % 3 == 0   ? "b"
                                       : i % 3 == 1 ? "a"
                                                    : "B") +
                           "/" + std::to_string(i) + ".png",
                       png(6, 6, i));
    names += files.back().first + "\n";
  }
  testing::write_archive(temp / "raw.tar.xz", files);
  std::int64_t reported = 0;
  PackOptions options = options_for(temp, "raw.tar.xz");
  options.progress = [&](std::int64_t done) { reported = done; };
  const PackReport report = pack(options);
  ASSERT_EQ(report.splits.size(), 1u);
  EXPECT_EQ(report.splits[0].images, 300);
  EXPECT_EQ(report.splits[0].bytes, 300u * 6 * 6 * 3);
  EXPECT_EQ(reported, 300);
  const auto data = open_dataset((temp / "pack").string(), "train");
  EXPECT_EQ(data->info().classes, (std::vector<std::string>{"B", "a", "b"}));
  EXPECT_EQ(data->info().resize, "none");
  EXPECT_EQ(data->info().source, "folder");
  for (int i = 0; i < 300; ++i) {
    expect_image(*data, i, picture(6, 6, i));
    EXPECT_EQ(data->label(i), (std::vector{2, 1, 0})[i % 3]);
  }
  EXPECT_EQ(read_file(temp / "pack" / "train" / "names.txt", 1 << 20), names);
  data->verify();
}

TEST(Pack, StatisticsAreThoseOfThePixels) {
  TempDir temp;
  testing::write_folder(temp / "raw", {{"a/0.png", png(9, 9, 1)}, {"b/1.png", png(9, 9, 2)}});
  pack(options_for(temp, "raw"));
  const auto data = open_dataset((temp / "pack").string(), "train");
  for (int c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (int i = 0; i < 2; ++i)
      for (int p = 0; p < 81; ++p) {
        const double value = data->image(i)[p * 3 + c] / 255.0;
        sum += value;
        squares += value * value;
      }
    EXPECT_NEAR(data->info().statistics.mean[c], sum / 162, 1e-12);
    EXPECT_NEAR(data->info().statistics.std[c], std::sqrt(squares / 162 - sum / 162 * sum / 162), 1e-9);
  }
}

TEST(Pack, SquashesBothWays) {
  TempDir temp;
  const Image wide = picture(12, 7, 1);
  testing::write_folder(temp / "raw", {{"a/0.png", encode_png(wide)}, {"a/1.png", png(5, 5, 2)}});
  PackOptions options = options_for(temp, "raw");
  for (const int size : {4, 20}) {
    options.to = temp / std::to_string(size);
    options.size = size;
    pack(options);
    const auto data = open_dataset(options.to.string(), "train");
    expect_image(*data, 0, {size, size, resize_rgb(wide.pixels.data(), 12, 0, 0, 12, 7, size, size)});
    EXPECT_EQ(data->info().resize, "squash");
  }
}

TEST(Pack, CropsTheCentreOfTheScaledImage) {
  TempDir temp;
  Image image{40, 10, std::vector<std::uint8_t>(40 * 10 * 3)};
  for (int i = 0; i < 400; ++i)
    image.pixels[i * 3] = static_cast<std::uint8_t>(i % 40 * 6);  // a ramp from left to right
  testing::write_folder(temp / "raw", {{"a/0.png", encode_png(image)}});
  PackOptions options = options_for(temp, "raw");
  options.size = 10;
  options.resize = "crop";
  pack(options);
  const auto data = open_dataset((temp / "pack").string(), "train");
  EXPECT_EQ(data->image(0)[0], 15 * 6);
  EXPECT_EQ(data->image(0)[9 * 3], 24 * 6);
  EXPECT_EQ(data->info().resize, "crop");
  options.size = 5;
  options.to = temp / "half";
  pack(options);
  EXPECT_NEAR(open_dataset((temp / "half").string(), "train")->image(0)[0], (15.5 + 0.0) * 6 + 6, 7);
}

TEST(Pack, ImagesOfSeveralSizesNeedASize) {
  TempDir temp;
  testing::write_folder(temp / "raw", {{"a/0.png", png(6, 6, 1)}, {"a/1.png", png(7, 6, 2)}});
  const std::string message = error_of(ErrorKind::data, [&] { pack(options_for(temp, "raw")); });
  EXPECT_NE(message.find("a/1.png: 7×6 pixels where 6×6 were expected; give --size"), std::string::npos)
      << message;
  EXPECT_TRUE(nothing_left(temp));
}

TEST(Pack, ABrokenImageLeavesNothingBehindAndIsNamed) {
  for (const char* archive : {"raw.zip", "raw.tar.gz"}) {
    TempDir temp;
    Files files;
    for (int i = 0; i < 200; ++i) files.emplace_back("train/a/" + std::to_string(i) + ".png", png(6, 6, i));
    files[150].second.resize(60);
    files[199].second = "not an image";
    testing::write_archive(temp / archive, files);
    const std::string message = error_of(ErrorKind::data, [&] { pack(options_for(temp, archive)); });
    EXPECT_NE(message.find(archive), std::string::npos) << message;
    EXPECT_NE(message.find("train/a/"), std::string::npos) << message;
    EXPECT_TRUE(nothing_left(temp));
  }
}

TEST(Pack, AnExistingSplitIsNeverTouched) {
  TempDir temp;
  testing::write_folder(temp / "raw", {{"train/a/0.png", png(6, 6, 1)}, {"test/a/0.png", png(6, 6, 2)}});
  PackOptions options = options_for(temp, "raw");
  options.splits = {"train"};
  pack(options);
  const std::string message = error_of(ErrorKind::data, [&] { pack(options); });
  EXPECT_NE(message.find("train exists: remove it, choose another --to"), std::string::npos) << message;
  options.splits = {"test"};
  pack(options);  // the other split may be added
  EXPECT_EQ(open_dataset((temp / "pack").string(), "test")->size(), 1);
}

TEST(Pack, ASplitAddedLaterNeedsTheSameClasses) {
  TempDir temp;
  testing::write_folder(temp / "one", {{"a/0.png", png(6, 6, 1)}});
  testing::write_folder(temp / "two", {{"b/0.png", png(6, 6, 1)}});
  pack(options_for(temp, "one"));
  PackOptions options = options_for(temp, "two");
  options.splits = {"test"};
  EXPECT_NE(error_of(ErrorKind::data, [&] { pack(options); }).find("other classes"), std::string::npos);
  EXPECT_FALSE(fs::exists(temp / "pack" / "test"));
}

TEST(Pack, RefusesOptionsThatMakeNoSense) {
  TempDir temp;
  const auto refused = [&](const std::function<void(PackOptions&)>& change) {
    PackOptions options = options_for(temp, "raw");
    change(options);
    return error_of(ErrorKind::usage, [&] { pack(options); });
  };
  EXPECT_NE(refused([](PackOptions& o) { o.source = "mnist"; }).find("cifar10, cifar100, "),
            std::string::npos);
  EXPECT_NE(refused([](PackOptions& o) { o.size = -1; }).find("--size -1"), std::string::npos);
  EXPECT_NE(refused([](PackOptions& o) { o.resize = "stretch"; }).find("squash or crop"), std::string::npos);
  EXPECT_NE(refused([](PackOptions& o) { o.splits = {"dev"}; }).find("--split dev"), std::string::npos);
  EXPECT_NE(refused([](PackOptions& o) {
              o.splits = {"test", "val"};
            }).find("choose one"),
            std::string::npos);
}

TEST(Pack, RealCifar10) {
  const char* archive = std::getenv("SMLP_TEST_DATA");
  if (archive == nullptr) GTEST_SKIP() << "SMLP_TEST_DATA names no cifar10-jpeg.tar.xz";
  TempDir temp;
  PackOptions options = options_for(temp, "");
  options.from = archive;
  const PackReport report = pack(options);
  EXPECT_EQ(report.classes, 10);
  const auto train = open_dataset((temp / "pack").string(), "train"),
             test = open_dataset((temp / "pack").string(), "test");
  EXPECT_EQ(train->size(), 50'000);
  EXPECT_EQ(test->size(), 10'000);
  check_same_classes(*train, *test);
  EXPECT_EQ(train->info().classes.front(), "airplane");
  const ChannelStatistics published = family_statistics("cifar");
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(train->info().statistics.mean[c], published.mean[c], 0.002);
    EXPECT_NEAR(train->info().statistics.std[c], published.std[c], 0.002);
  }
}

}  // namespace
}  // namespace smlp
