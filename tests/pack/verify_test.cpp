#include "smlp/pack/verify.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "smlp/core/files.hpp"
#include "smlp/pack/pack.hpp"
#include "support/errors.hpp"
#include "support/images.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::replace_in;
using testing::TempDir;
using testing::write_plainly;

void put_byte(const fs::path& file, std::streamoff from_end, char byte) {
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(-from_end, std::ios::end)
      .put(byte);
}

TEST(Verify, AFreshPackPassesAndSaysWhatWasChecked) {
  TempDir temp;
  const fs::path root = temp / "pack";
  testing::pack_six(temp / "raw", root);
  write_plainly(root / "test" / "real_labels.json", "[[0], [0, 1]]");
  std::vector<std::uint64_t> reported;
  const VerifyReport report = verify_pack(root.string(), [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_EQ(total, 6u * 75);
    reported.push_back(done);
  });
  EXPECT_EQ(reported, (std::vector<std::uint64_t>{300, 450}));
  ASSERT_EQ(report.splits.size(), 2u);
  const VerifiedSplit &train = report.splits[0], &test = report.splits[1];
  EXPECT_EQ(train.name, "train");
  EXPECT_EQ(train.images, 4);
  EXPECT_EQ(train.classes, 2);
  EXPECT_EQ(train.bytes, 300u);
  EXPECT_TRUE(train.labels_hashed);
  EXPECT_FALSE(train.real_labels);
  EXPECT_TRUE(test.real_labels);
  EXPECT_FALSE(report.unfinished);
  fs::create_directory(root / ".packing");
  EXPECT_TRUE(verify_pack(root.string()).unfinished);
  const VerifyReport one = verify_pack((root / "test").string());
  ASSERT_EQ(one.splits.size(), 1u);
  EXPECT_EQ(one.splits[0].name, "test");
}

TEST(Verify, EveryKindOfDamageIsFoundAndNamed) {
  struct Damage {
    std::vector<const char*> says;
    std::function<void(const fs::path& train)> make;
  };
  const std::vector<Damage> damages = {
      {{"train: images 0 to 3 have changed", "block 0"},
       [](const fs::path& at) { put_byte(at / "images.npy", 1, '\x55'); }},
      {{"train: labels.npy has changed"}, [](const fs::path& at) { put_byte(at / "labels.npy", 8, 0); }},
      {{"train: label 7 of image 3"}, [](const fs::path& at) { put_byte(at / "labels.npy", 8, 7); }},
      {{"images.npy"},
       [](const fs::path& at) { fs::resize_file(at / "images.npy", fs::file_size(at / "images.npy") - 1); }},
      {{"labels.npy"},
       [](const fs::path& at) { fs::resize_file(at / "labels.npy", fs::file_size(at / "labels.npy") - 8); }},
      {{"names.txt: 3 names for 4 images"},
       [](const fs::path& at) { write_plainly(at / "names.txt", "a\nb\nc\n"); }},
      {{"names.txt: line 4, the last, is cut off"},
       [](const fs::path& at) { write_plainly(at / "names.txt", "a\nb\nc\nd"); }},
      {{"names.txt: line 2 is empty"},
       [](const fs::path& at) { write_plainly(at / "names.txt", "a\n\nc\nd\n"); }},
      {{"names.txt: line 3 is not UTF-8: \\xff\\x1b"},
       [](const fs::path& at) { write_plainly(at / "names.txt", "a\nb\n\xff\x1b\nd\n"); }},
      {{"class 1 is \"cow\"", "\"dog\""},
       [](const fs::path& at) { replace_in(at / "dataset.json", "\"dog\"", "\"cow\""); }},
      {{"real_labels.json: 3 entries, expected 4"},
       [](const fs::path& at) { write_plainly(at / "real_labels.json", "[[0], [1], []]"); }},
      {{"real_labels.json: entry 2"},
       [](const fs::path& at) { write_plainly(at / "real_labels.json", "[[0], [1], [2], []]"); }},
      {{"train/dataset.json: not JSON"},
       [](const fs::path& at) { fs::resize_file(at / "dataset.json", 100); }},
      {{"train/dataset.json: missing"}, [](const fs::path& at) { fs::remove(at / "dataset.json"); }},
      {{"train/names.txt: missing"}, [](const fs::path& at) { fs::remove(at / "names.txt"); }},
  };
  for (const Damage& each : damages) {
    TempDir temp;
    const fs::path root = temp / "pack";
    testing::pack_six(temp / "raw", root);
    each.make(root / "train");
    const std::string message = error_of(ErrorKind::data, [&] { verify_pack(root.string()); });
    for (const char* says : each.says) EXPECT_NE(message.find(says), std::string::npos) << message;
  }
}

TEST(Verify, PacksWithoutAHashOfTheLabelsPassAndSayIt) {
  TempDir temp;
  const fs::path root = temp / "pack";
  testing::pack_six(temp / "raw", root);
  replace_in(root / "train" / "dataset.json", "labels_xxh3_64", "something_else");
  EXPECT_FALSE(verify_pack(root.string()).splits[0].labels_hashed);
}

TEST(Verify, AFolderWithoutAPackSaysWhatWasLookedFor) {
  TempDir temp;
  const std::string message = error_of(ErrorKind::data, [&] { verify_pack(temp.path().string()); });
  EXPECT_NE(message.find("no dataset.json in it, nor in train, test, val or unlabeled"), std::string::npos)
      << message;
}

}  // namespace
}  // namespace smlp
