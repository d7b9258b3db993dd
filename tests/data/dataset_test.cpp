#include "smlp/data/dataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>

#include "smlp/core/files.hpp"
#include "smlp/data/block_hash.hpp"
#include "smlp/data/dataset_json.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/data/shapes.hpp"
#include "smlp/data/subset.hpp"
#include "smlp/pack/pack.hpp"
#include "support/errors.hpp"
#include "support/images.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::replace_in;
using testing::TempDir;

TEST(Dataset, OpensASplitByRootByFolderAndBelowTheDataFolder) {
  TempDir temp;
  testing::pack_six(temp / "raw", temp / "pack");
  const std::string root = (temp / "pack").string();
  EXPECT_EQ(open_dataset(root, "train")->size(), 4);
  EXPECT_EQ(open_dataset(root, "test")->size(), 2);
  EXPECT_NE(error_of(ErrorKind::usage, [&] { open_dataset(root, "val"); }).find("there are train and test"),
            std::string::npos);
  EXPECT_EQ(open_dataset(root + "/train", "test")->size(), 4);
  fs::rename(temp / "pack" / "test", temp / "pack" / "val");
  EXPECT_EQ(open_dataset(root, "test")->size(), 2);
  ::setenv("SMLP_DATA", temp.path().c_str(), 1);
  EXPECT_EQ(open_dataset("pack", "train")->size(), 4);
  const std::string message = error_of(ErrorKind::data, [] { open_dataset("nothing", "train"); });
  EXPECT_NE(message.find((temp / "nothing" / "train").string()), std::string::npos) << message;
  EXPECT_NE(message.find("smlp pack"), std::string::npos) << message;
  ::unsetenv("SMLP_DATA");
}

TEST(Dataset, RefusesFilesThatDisagree) {
  struct Damage {
    const char* expected;
    std::function<void(const fs::path&)> make;
  };
  const std::vector<Damage> damages = {
      {"names.txt: missing", [](const fs::path& at) { fs::remove(at / "names.txt"); }},
      {"cannot open", [](const fs::path& at) { fs::remove(at / "labels.npy"); }},
      {"labels.npy has changed since packing",
       [](const fs::path& at) {
         std::fstream(at / "labels.npy", std::ios::in | std::ios::out | std::ios::binary)
             .seekp(-8, std::ios::end)
             .put('\0');
       }},
      {"images.npy",
       [](const fs::path& at) { fs::resize_file(at / "images.npy", fs::file_size(at / "images.npy") - 1); }},
      {"images.npy",
       [](const fs::path& at) { fs::resize_file(at / "images.npy", fs::file_size(at / "images.npy") + 1); }},
      {"(4, 5, 5, 3)",
       [](const fs::path& at) { replace_in(at / "dataset.json", "\"images\": 4", "\"images\": 3"); }},
      {"label 1 of image 2", [](const fs::path& at) { replace_in(at / "dataset.json", "\"cat\",", ""); }},
      {"labels.npy",
       [](const fs::path& at) {
         fs::copy_file(at / "images.npy", at / "labels.npy", fs::copy_options::overwrite_existing);
       }},
  };
  for (const Damage& each : damages) {
    TempDir temp;
    testing::pack_six(temp / "raw", temp / "pack");
    each.make(temp / "pack" / "train");
    const std::string message = error_of(ErrorKind::data, [&] { Dataset::open(temp / "pack" / "train"); });
    EXPECT_NE(message.find(each.expected), std::string::npos) << message;
  }
}

TEST(Dataset, VerifyFindsAChangedPixel) {
  TempDir temp;
  testing::pack_six(temp / "raw", temp / "pack");
  const fs::path images = temp / "pack" / "train" / "images.npy";
  Dataset::open(temp / "pack" / "train")->verify();
  std::fstream(images, std::ios::in | std::ios::out | std::ios::binary).seekp(-1, std::ios::end).put('\x55');
  const auto changed = Dataset::open(temp / "pack" / "train");
  const std::string message = error_of(ErrorKind::data, [&] { changed->verify(); });
  EXPECT_NE(message.find("images 0 to 3 have changed"), std::string::npos) << message;
}

TEST(Dataset, AFileThatShrinksOrVanishesWhileOpenIsNoticed) {
  TempDir temp;
  testing::pack_six(temp / "raw", temp / "pack");
  const fs::path split = temp / "pack" / "train";
  const auto data = Dataset::open(split);
  data->check_files();
  fs::resize_file(split / "images.npy", fs::file_size(split / "images.npy") - 1);
  EXPECT_NE(error_of(ErrorKind::data, [&] { data->check_files(); }).find("images.npy: "), std::string::npos);
  fs::remove(split / "images.npy");
  EXPECT_NE(error_of(ErrorKind::data, [&] { data->check_files(); }).find("No such file"), std::string::npos);
}

TEST(Dataset, FingerprintFollowsTheContent) {
  const auto a = testing::small_dataset(10, 4, 2), same = testing::small_dataset(10, 4, 2),
             other = testing::small_dataset(11, 4, 2);
  EXPECT_EQ(a->fingerprint(), same->fingerprint());
  EXPECT_NE(a->fingerprint(), other->fingerprint());
  EXPECT_EQ(a->fingerprint().size(), 16u);
  DatasetInfo info = a->info();
  info.labels_hash = "0123456789abcdef";
  const auto relabelled =
      Dataset::from_memory(info, std::vector<std::uint8_t>(480), std::vector<std::int64_t>(10));
  EXPECT_NE(a->fingerprint(), relabelled->fingerprint());
}

TEST(DatasetJson, ComesBackAsItWas) {
  DatasetInfo info = testing::small_dataset(7, 4, 3)->info();
  info.family = "stl";
  info.block_hashes = {"0123456789abcdef"};
  info.labels_hash = "fedcba9876543210";
  const DatasetInfo back = parse_dataset_json(dataset_json_text(info), "x");
  EXPECT_EQ(dataset_json_text(back), dataset_json_text(info));
  EXPECT_EQ(back.classes, info.classes);
  EXPECT_EQ(back.labels_hash, info.labels_hash);
  EXPECT_EQ(back.statistics.std, info.statistics.std);
}

TEST(DatasetJson, RefusesHostileText) {
  const std::string good = dataset_json_text(testing::small_dataset(7, 4, 3)->info());
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {good.substr(0, good.size() / 2), "not JSON"},
      {std::string(1'000'000, '['), "nested more than"},
      {"[]", "array where an object"},
      {changed("\"images\": 7", "\"images\": -7"), "\"images\" is -7"},
      {changed("\"images\": 7", "\"images\": 1e300"), "\"images\" is 1e+300"},
      {changed("\"images\": 7", "\"images\": 18446744073709551615"), "\"images\" is"},
      {changed("\"image_size\": 4", "\"image_size\": 100000"), "expected an integer from 1 to 4096"},
      {changed("\"version\": 1", "\"version\": 2"), "format version 2"},
      {changed("\"class 1\"", "\"class 0\""), "listed twice"},
      {changed("\"class 1\"", "17"), "\"classes\" holds 17"},
      {changed("\"resize\": \"none\"", "\"resize\": \"melt\""), "\"resize\" is \"melt\""},
      {changed("\"mean\"", "\"mien\""), "no member \"mean\""},
      {changed("\"xxh3_64\": []", "\"xxh3_64\": [\"a\", \"b\"]"), "2 hashes"},
  };
  for (const auto& [text, expected] : cases) {
    const std::string message = error_of(ErrorKind::data, [&] { parse_dataset_json(text, "dataset.json"); });
    EXPECT_NE(message.find(expected), std::string::npos) << message;
    EXPECT_LT(message.size(), 400u);
  }
}

TEST(BlockHasher, HashesBlocksHoweverTheBytesArrive) {
  const std::vector<std::uint8_t> bytes(pack_block_bytes + 1000, 7);
  BlockHasher whole, parts;
  whole.add(bytes.data(), bytes.size());
  parts.add(bytes.data(), 999);
  parts.add(bytes.data() + 999, bytes.size() - 999);
  const auto hashes = whole.finish();
  EXPECT_EQ(hashes.size(), 2u);
  EXPECT_EQ(hashes, parts.finish());
}

TEST(Statistics, FollowFromIntegerSums) {
  const ChannelStatistics s =
      statistics_from_sums({510, 255, 0}, {130050, 65025, 0}, 2);  // (255, 255), (255, 0), (0, 0)
  EXPECT_EQ(s.mean, (std::vector{1.0, 0.5, 0.0}));
  EXPECT_EQ(s.std, (std::vector{0.0, 0.5, 0.0}));
  EXPECT_NE(error_of(ErrorKind::usage, [] { family_statistics("svhn"); }).find("cifar, imagenet, stl"),
            std::string::npos);
}

TEST(Subset, OfEverythingIsEverything) {
  const Subset all = choose_subset(*testing::small_dataset(50, 2, 3), {}, 1);
  ASSERT_EQ(all.train.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(all.train[i], i);
  EXPECT_TRUE(all.holdout.empty());
}

TEST(Subset, SmallerOnesAreContainedInLargerOnes) {
  const auto data = testing::small_dataset(300, 2, 7);
  std::set<std::int64_t> larger;
  for (const double fraction : {1.0, 0.6, 0.35, 0.1, 0.001}) {
    const Subset subset = choose_subset(*data, {fraction, 0, 0.2}, 5);
    for (const std::int64_t each : subset.train)
      EXPECT_TRUE(larger.empty() || larger.contains(each)) << fraction;
    larger = {subset.train.begin(), subset.train.end()};
    EXPECT_TRUE(std::is_sorted(subset.train.begin(), subset.train.end()));
  }
  EXPECT_EQ(larger.size(), 7u);  // never less than one of a class
}

TEST(Subset, TakesTheSamePartOfEveryClass) {
  const auto data = testing::small_dataset(700, 2, 7);
  const auto counts = [&](const std::vector<std::int64_t>& images) {
    std::vector<int> result(7);
    for (const std::int64_t each : images) ++result[data->label(each)];
    return result;
  };
  EXPECT_EQ(counts(choose_subset(*data, {0.25, 0, 0}, 1).train), std::vector<int>(7, 25));
  EXPECT_EQ(counts(choose_subset(*data, {1.0, 3, 0}, 1).train), std::vector<int>(7, 3));
  EXPECT_EQ(counts(choose_subset(*data, {1.0, 1000, 0}, 1).train), std::vector<int>(7, 100));
  EXPECT_NE(choose_subset(*data, {0.25, 0, 0}, 1).train, choose_subset(*data, {0.25, 0, 0}, 2).train);
}

TEST(Subset, HoldoutAndTrainingPartTheImages) {
  const auto data = testing::small_dataset(100, 2, 5);
  const Subset subset = choose_subset(*data, {1.0, 0, 0.25}, 1);
  std::set<std::int64_t> all(subset.train.begin(), subset.train.end());
  all.insert(subset.holdout.begin(), subset.holdout.end());
  EXPECT_EQ(subset.holdout.size(), 25u);
  EXPECT_EQ(all.size(), 100u);
  EXPECT_EQ(choose_subset(*data, {0.5, 0, 0.25}, 1).holdout, subset.holdout);
  EXPECT_NE(error_of(ErrorKind::usage,
                     [&] {
                       choose_subset(*data, {1.0, 0, 0.001}, 1);
                     })
                .find("sets no image aside"),
            std::string::npos);
}

// Runs on it are gone on with by other processors and later versions, which compare its fingerprint.
TEST(Shapes, AreTheSameOnEveryMachine) {
  EXPECT_EQ(open_dataset("shapes", "train")->info().block_hashes,
            std::vector<std::string>{"433266eaf66058a1"});
  EXPECT_EQ(open_dataset("shapes", "test")->info().block_hashes,
            std::vector<std::string>{"ed183d30e0bbb27c"});
}

TEST(Shapes, AreTheSameEveryTimeAndBalanced) {
  const auto a = open_dataset("shapes", "test"), b = shapes_dataset("val");
  EXPECT_EQ(a->fingerprint(), b->fingerprint());
  EXPECT_EQ(a->size(), shapes_test_images);
  EXPECT_EQ(a->image_size(), 32);
  std::vector<std::int64_t> counts(a->classes());
  for (std::int64_t i = 0; i < a->size(); ++i) ++counts[a->label(i)];
  EXPECT_EQ(counts, std::vector<std::int64_t>(10, shapes_test_images / 10));
  EXPECT_EQ(a->description(), "shapes (generated)");
  a->verify();
  for (int c = 0; c < 3; ++c) EXPECT_GT(a->info().statistics.std[c], 0.1);
  for (const char* other : {"validation", "val", "Train", "trian", ""})
    error_of(ErrorKind::usage, [&] { open_dataset("shapes", other); });
}

}  // namespace
}  // namespace smlp
