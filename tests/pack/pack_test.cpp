#include "smlp/pack/pack.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "smlp/core/files.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/data/fit_image.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/data/real_labels.hpp"
#include "smlp/formats/resample.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"
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
  EXPECT_NE(message.find("a/1.png: 7×6 pixels, and packed images are square; give --size"), std::string::npos)
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

TEST(Pack, AnEmptyFileIsCalledEmptyAndMayBeLeftOut) {
  TempDir temp;
  testing::write_folder(temp / "raw",
                        {{"a/0.png", png(6, 6, 1)}, {"a/1.jpg", ""}, {"a/2.png", png(6, 6, 2)}});
  PackOptions options = options_for(temp, "raw");
  options.size = 6;
  const std::string message = error_of(ErrorKind::data, [&] { pack(options); });
  EXPECT_NE(message.find("a/1.jpg: the file is empty (0 bytes); --skip-bad N"), std::string::npos) << message;
  options.skip_bad = 1;
  EXPECT_EQ(pack(options).splits.at(0).images, 2);
}

TEST(Pack, ReadsWebpBmpAndGifAsPil) {
  TempDir temp;
  Files files;
  const std::vector<std::string> names = {"animated.webp", "offset_transparent.gif", "palette.bmp"};
  for (const std::string& name : names)
    files.emplace_back("a/" + name, read_file(testing::golden_format(name), 1 << 20));
  testing::write_folder(temp / "raw", files);
  PackOptions options = options_for(temp, "raw");
  options.size = 8;
  pack(options);
  const auto data = open_dataset((temp / "pack").string(), "train");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const NpyFile pil(testing::golden_format(names[i] + ".npy"));
    const auto height = static_cast<int>(pil.header().shape[0]),
               width = static_cast<int>(pil.header().shape[1]);
    const auto* const pixels = reinterpret_cast<const std::uint8_t*>(pil.data());
    expect_image(*data, static_cast<std::int64_t>(i),
                 {8, 8, resize_rgb(pixels, width, 0, 0, width, height, 8, 8)});
  }
}

TEST(Pack, SplitsMayBeAskedForByAnyOfTheirNames) {
  TempDir temp;
  testing::write_folder(temp / "raw", {{"train/a/0.png", png(6, 6, 1)}, {"valid/a/0.png", png(6, 6, 2)}});
  PackOptions options = options_for(temp, "raw");
  options.splits = {"Validation"};
  pack(options);
  EXPECT_EQ(open_dataset((temp / "pack").string(), "test")->size(), 1);
  EXPECT_FALSE(fs::exists(temp / "pack/train"));
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
  EXPECT_NE(refused([](PackOptions& o) { o.splits = {"extra"}; }).find("--split extra"), std::string::npos);
  EXPECT_NE(refused([](PackOptions& o) {
              o.splits = {"test", "validation"};
            }).find("choose one"),
            std::string::npos);
}

TEST(Pack, LeavesOutAsManyBrokenImagesAsToldAndListsThem) {
  TempDir temp;
  Files files;
  for (int i = 0; i < 200; ++i) files.emplace_back(fmt::format("{}/{}.png", i % 2, i), png(6, 6, i));
  files[30].second.resize(40);
  files[31].first = "1/31.jpg";
  files[31].second = "neither";
  testing::write_archive(temp / "raw.zip", files);
  PackOptions options = options_for(temp, "raw.zip");
  options.skip_bad = 1;
  const std::string message = error_of(ErrorKind::data, [&] { pack(options); });
  EXPECT_NE(message.find("1/31.jpg: 7 bytes that are neither JPEG, PNG, WebP, BMP nor GIF; 1 bad images"),
            std::string::npos)
      << message;
  EXPECT_TRUE(nothing_left(temp));
  options.skip_bad = 2;
  const PackReport report = pack(options);
  EXPECT_EQ(report.left_out, 2);
  const auto data = open_dataset((temp / "pack").string(), "train");
  ASSERT_EQ(data->size(), 198);
  for (int i = 0, kept = 0; i < 200; ++i) {
    if (i == 30 || i == 31) continue;
    EXPECT_EQ(data->label(kept), i % 2);
    expect_image(*data, kept++, picture(6, 6, i));
  }
  ASSERT_EQ(data->info().bad_images.size(), 2u);
  EXPECT_EQ(data->info().bad_images[0].name, "0/30.png");
  EXPECT_NE(data->info().bad_images[1].reason.find("neither JPEG, PNG"), std::string::npos);
}

TEST(Pack, FastDecodingSaysSoAndStaysCloseToTheAccurateOne) {
  TempDir temp;
  testing::write_folder(temp / "raw", {{"a/0.jpg", read_file(testing::golden_format("420.jpg"), 1 << 20)},
                                       {"a/1.png", png(40, 40, 1)}});
  PackOptions options = options_for(temp, "raw");
  options.size = 8;
  pack(options);
  options.fast_decode = true;
  options.to = temp / "fast";
  pack(options);
  const auto accurate = open_dataset((temp / "pack").string(), "train");
  const auto fast = open_dataset((temp / "fast").string(), "train");
  EXPECT_EQ(accurate->info().decode, "accurate");
  EXPECT_EQ(fast->info().decode, "fast");
  int difference = 0;
  for (int i = 0; i < 8 * 8 * 3; ++i)
    difference += std::abs(int{accurate->image(0)[i]} - int{fast->image(0)[i]});
  EXPECT_GT(difference, 0);
  EXPECT_LT(difference / (8 * 8 * 3), 16) << "levels of 255, in an image of noise and edges";
  expect_image(*fast, 1, fit_image(picture(40, 40, 1), 8, "squash", ""));
  options.size = 0;
  error_of(ErrorKind::usage, [&] { pack(options); });
}

TEST(Pack, FlagsOfOtherSourcesAreRefused) {
  TempDir temp;
  PackOptions options = options_for(temp, "raw");
  options.source_options.coarse = true;
  EXPECT_NE(error_of(ErrorKind::usage, [&] { pack(options); }).find("--coarse means nothing for folder"),
            std::string::npos);
  options.source = "imagenet21k";
  EXPECT_NE(error_of(ErrorKind::usage, [&] { pack(options); })
                .find("it understands --min-images --holdout --classes"),
            std::string::npos);
  options.source_options = {};
  options.source_options.holdout = -1;
  EXPECT_EQ(error_of(ErrorKind::usage, [&] { pack(options); }), "--holdout -1: expected 0 or more");
}

// ImageNet's last 1000 validation images, one a class, the last of them first. One is broken.
PackOptions with_real_labels(const TempDir& temp) {
  const std::string picture = png(6, 6, 0);
  Files files;
  std::string real = "[[]", labels;
  for (int i = 0; i < 1000; ++i) {
    files.emplace_back(fmt::format("ILSVRC2012_val_{:08}.JPEG", 50'000 - i), i == 10 ? "broken" : picture);
    labels += fmt::format("{} n{:08}\n", files.back().first, 999 - i);
  }
  for (int i = 1; i < 50'000; ++i) real += i % 7 == 0 ? ",[]" : fmt::format(",[{}]", i % 1000);
  testing::write_archive(temp / "ILSVRC2012_img_val.tar", files);
  testing::write_plainly(temp / "labels.txt", labels);
  testing::write_plainly(temp / "real.json", real + "]");
  PackOptions options = options_for(temp, "ILSVRC2012_img_val.tar");
  options.source = "imagenet";
  options.size = 256;
  options.skip_bad = 1;
  options.source_options.labels = temp / "labels.txt";
  options.source_options.real_labels = temp / "real.json";
  return options;
}

TEST(Pack, RealLabelsFollowTheImagesNumbersPastLeftOutOnesAndInterruptions) {
  TempDir temp;
  PackOptions options = with_real_labels(temp);
  options.progress = [](std::int64_t done) {
    if (done > 700) fail(ErrorKind::failed, "interrupted");
  };
  error_of(ErrorKind::failed, [&] { pack(options); });
  options.progress = {};
  options.resume = true;
  PackOptions other = options;
  other.source_options.real_labels.clear();
  EXPECT_NE(error_of(ErrorKind::usage, [&] { pack(other); }).find("holds another pack"), std::string::npos);
  EXPECT_GT(pack(options).continued, 0);
  const RealLabels packed = read_real_labels(temp / "pack/test/real_labels.json", 999, 1000);
  const auto data = open_dataset((temp / "pack").string(), "test");
  for (int i = 0, kept = 0; i < 1000; ++i) {
    if (i == 10) continue;
    const int place = 49'999 - i;  // in the list
    EXPECT_EQ(data->label(kept), 999 - i);
    EXPECT_EQ(packed[kept++],
              place % 7 == 0 ? std::vector<std::int32_t>{} : std::vector<std::int32_t>{place % 1000});
  }
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
  EXPECT_EQ(train->info().classes, test->info().classes);
  EXPECT_EQ(train->info().classes.front(), "airplane");
  const ChannelStatistics published = family_statistics("cifar");
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(train->info().statistics.mean[c], published.mean[c], 0.002);
    EXPECT_NEAR(train->info().statistics.std[c], published.std[c], 0.002);
  }
}

}  // namespace
}  // namespace smlp
