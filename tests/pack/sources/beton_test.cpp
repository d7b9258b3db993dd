#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "smlp/formats/archive.hpp"
#include "smlp/formats/decode.hpp"
#include "support/golden.hpp"
#include "support/images.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::Given;
using testing::Lines;
using testing::read;
using testing::refusal;
using testing::TempDir;

// What scripts/make_golden_beton.py wrote with FFCV.
constexpr std::pair<int, int> sizes[] = {{8, 8}, {20, 12}, {9, 11}, {16, 10}, {8, 20}, {12, 12}};
constexpr std::int64_t labels[] = {3, 0, 7, 3, 1, 2};

std::string golden(const std::string& name) {
  std::string bytes;
  read_archive(
      testing::golden_format(name + ".tar.gz"), [](const std::string&) { return true; },
      [&](ArchiveEntry& entry) { bytes = entry.text(); });
  return bytes;
}

TEST(Beton, ReadsFilesThatFfcvWrote) {
  for (const std::string name : {"beton_raw", "beton_jpg", "beton_fields"}) {
    SCOPED_TRACE(name);
    TempDir temp;
    testing::write_folder(temp / "set", {{"golden.beton", golden(name)}});
    const Given given = read("beton", temp / "set/golden.beton");
    ASSERT_EQ(given.raw.size(), std::size(sizes));
    EXPECT_EQ(given.result.labels.at("train"),
              (std::vector<std::int64_t>{std::begin(labels), std::end(labels)}));
    EXPECT_EQ(given.result.classes.size(), 8u);
    EXPECT_EQ(given.samples.at("train")[1], "golden.beton:1=0");
    std::vector<std::uint8_t> pixels;
    std::size_t jpegs = 0;
    for (std::size_t i = 0; i < given.raw.size(); ++i) {
      const RawSample& each = given.raw[i];
      jpegs += !each.encoded.empty();
      const Image image = each.encoded.empty() ? each.pixels : decode_image(each.encoded, each.name);
      EXPECT_EQ(image.width, sizes[i].first);
      EXPECT_EQ(image.height, sizes[i].second);
      pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
    }
    EXPECT_EQ(jpegs, name == "beton_raw" ? 0u : name == "beton_jpg" ? 6u : 4u);
    EXPECT_EQ(pixels, testing::values<std::uint8_t>(NpyFile(testing::golden_format(name + ".pixels.npy"))));
  }
}

struct Field {
  int type;
  std::string name;
};

// A small file by hand: an image field, a label field, `pixels` 2×1 raw images one after another, and their
// allocations.
class SmallBeton {
 public:
  explicit SmallBeton(std::vector<Field> fields = {{2, "image"}, {1, "label"}}, int samples = 2)
      : fields_(fields.size()), samples_(samples), bytes_(24 + 1041 * fields.size() + 24 * samples, '\0') {
    put<std::uint16_t>(0, 2);
    put<std::uint16_t>(2, static_cast<std::uint16_t>(fields_));
    put<std::uint32_t>(4, 1 << 21);
    put<std::uint64_t>(8, static_cast<std::uint64_t>(samples));
    for (std::size_t i = 0; i < fields_; ++i) {
      bytes_[24 + 1041 * i] = static_cast<char>(fields[i].type);
      std::memcpy(&bytes_[25 + 1041 * i], fields[i].name.data(), fields[i].name.size());
    }
    for (int i = 0; i < samples; ++i) {
      bytes_[row(i)] = 1;
      put<std::uint16_t>(row(i) + 1, 2);
      put<std::uint16_t>(row(i) + 3, 1);
      put<std::uint64_t>(row(i) + 5, bytes_.size());
      put<std::uint64_t>(row(i) + 16, static_cast<std::uint64_t>(i));
      bytes_ += std::string(6, static_cast<char>('a' + i));
    }
    put<std::uint64_t>(16, bytes_.size());
    for (int i = 0; i < samples; ++i) {
      const std::size_t at = bytes_.size();
      bytes_.resize(at + 24);
      put<std::uint64_t>(at, static_cast<std::uint64_t>(i));
      std::memcpy(&bytes_[at + 8], &bytes_[row(i) + 5], 8);
      put<std::uint64_t>(at + 16, 6);
    }
  }

  std::size_t row(int i) const { return 24 + 1041 * fields_ + 24 * static_cast<std::size_t>(i); }
  std::size_t table() const { return bytes_.size() - 24 * static_cast<std::size_t>(samples_); }
  std::string& bytes() { return bytes_; }

  template <class T>
  void put(std::size_t at, T value) {
    std::memcpy(&bytes_[at], &value, sizeof value);
  }

 private:
  std::size_t fields_;
  int samples_;
  std::string bytes_;
};

TEST(Beton, FilesOfAFolderAreSplitsByName) {
  TempDir temp;
  testing::write_folder(temp / "set", {{"train_500.beton", SmallBeton().bytes()},
                                       {"val_500.ffcv", SmallBeton({{2, "x"}, {1, "y"}}, 1).bytes()},
                                       {"readme.txt", "x"}});
  const Given given = read("beton", temp / "set");
  EXPECT_EQ(given.samples.at("train"), (Lines{"train_500.beton:0=0", "train_500.beton:1=1"}));
  EXPECT_EQ(given.samples.at("test"), (Lines{"val_500.ffcv:0=0"}));
  EXPECT_EQ(given.result.classes, (Lines{"0", "1"}));
  EXPECT_EQ(given.result.skipped, 1);
  EXPECT_EQ(given.raw[1].pixels.pixels, std::vector<std::uint8_t>(6, 'b'));
  EXPECT_FALSE(read("beton", temp / "set", {"test"}).samples.contains("train"));
  testing::write_folder(temp.path(), {{"names.txt", "cat\n"}});
  SourceOptions options;
  options.classes = temp / "names.txt";
  EXPECT_NE(refusal("beton", temp / "set", {}, options).find("train_500.beton: sample 1: label 1, but"),
            std::string::npos);
}

class BetonRefusal : public ::testing::Test {
 protected:
  void expect(const std::string& part, const std::function<void(SmallBeton&)>& change,
              std::vector<Field> fields = {{2, "image"}, {1, "label"}}) {
    SmallBeton file(std::move(fields));
    change(file);
    testing::write_folder(temp_ / "set", {{"a.beton", file.bytes()}});
    const std::string message = refusal("beton", temp_ / "set/a.beton");
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find("a.beton: "), std::string::npos) << message;
  }
  TempDir temp_;
};

TEST_F(BetonRefusal, OfHeaders) {
  expect("0 bytes, too short", [](SmallBeton& f) { f.bytes().clear(); });
  expect("not a .beton file of version 2: its first two bytes say 1",
         [](SmallBeton& f) { f.put<std::uint16_t>(0, 1); });
  expect("0 samples (byte 8)", [](SmallBeton& f) { f.put<std::uint64_t>(8, 0); });
  expect("68719476737 samples", [](SmallBeton& f) { f.put<std::uint64_t>(8, (1ull << 36) + 1); });
  expect("2000 samples of 24 bytes (byte 8) do not fit",
         [](SmallBeton& f) { f.put<std::uint64_t>(8, 2000); });
  expect("68719476736 samples of 24 bytes", [](SmallBeton& f) { f.put<std::uint64_t>(8, 1ull << 36); });
  expect("cut off within its 65535 fields", [](SmallBeton& f) { f.put<std::uint16_t>(2, 65535); });
  for (const std::uint64_t table : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{100}})
    expect("the allocation table at byte " + std::to_string(table),
           [&](SmallBeton& f) { f.put<std::uint64_t>(16, table); });
  expect("47 bytes of allocations", [](SmallBeton& f) { f.bytes().pop_back(); });
  expect("120 bytes of allocations", [](SmallBeton& f) { f.bytes().append(72, '\0'); });
}

TEST_F(BetonRefusal, OfFields) {
  const auto as_it_is = [](SmallBeton&) {};
  expect("0 image fields", as_it_is, {{1, "label"}});
  expect("0 integer fields", as_it_is, {{2, "image"}, {0, "label"}});
  expect("0 image fields", [](SmallBeton& f) { f.put<std::uint16_t>(2, 0); });
  expect("2 integer fields, expected one, or one named \"label\"", as_it_is,
         {{2, "image"}, {1, "a"}, {1, "b"}});
  expect("field 1 (\"mask\\x1b\") has type 255, whose size is not known", as_it_is,
         {{2, "image"}, {255, "mask\x1b"}, {1, "label"}});
}

TEST_F(BetonRefusal, OfSamples) {
  const auto at = [](std::size_t offset, auto value) {
    return [=](SmallBeton& f) { f.put(f.row(1) + offset, value); };
  };
  expect("sample 1: image mode 2", at(0, std::uint8_t{2}));
  expect("sample 1: 0×1 pixels", at(1, std::uint16_t{0}));
  expect("sample 1: 2×0 pixels", at(3, std::uint16_t{0}));
  expect("sample 1: label -5, expected", at(16, std::int64_t{-5}));
  expect("sample 1: 65535×65535 pixels", [](SmallBeton& f) { f.put(f.row(1) + 1, 0xffffffffu); });
  for (const std::uint64_t pointer : {std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0} - 5})
    expect("sample 1: an image of 6 bytes at byte " + std::to_string(pointer) + " is outside the data",
           at(5, pointer));
  expect("sample 1: an image of 6 bytes at byte",
         [](SmallBeton& f) { f.put<std::uint64_t>(f.row(1) + 5, f.table() - 5); });
  expect("sample 1: no JPEG where the file says one is", at(0, std::uint8_t{0}));
  expect("sample 1: the allocation table has no length for the JPEG", [](SmallBeton& f) {
    f.put<std::uint8_t>(f.row(1), 0);
    f.put<std::uint64_t>(f.table() + 24 + 8, 1);
  });
  expect("sample 1: an image of 18446744073709551615 bytes", [](SmallBeton& f) {
    f.put<std::uint8_t>(f.row(1), 0);
    f.put<std::uint64_t>(f.table() + 24 + 16, ~std::uint64_t{0});
  });
}

TEST(Beton, RefusesFoldersWithout) {
  TempDir temp;
  fs::create_directories(temp / "set");
  EXPECT_NE(refusal("beton", temp / "set").find("holds no .beton or .ffcv files"), std::string::npos);
  refusal("beton", temp / "missing.beton");
}

}  // namespace
}  // namespace smlp
