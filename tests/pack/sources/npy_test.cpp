#include "smlp/formats/npy.hpp"

#include <gtest/gtest.h>

#include <cstring>

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
using Shape = std::vector<std::int64_t>;

// An array whose bytes count up from 0.
void write_array(const fs::path& path, const std::string& dtype, const Shape& shape) {
  std::size_t bytes = npy_item_size(dtype);
  for (const std::int64_t each : shape) bytes *= static_cast<std::size_t>(each);
  std::string content = npy_header_bytes(dtype, shape);
  for (std::size_t i = 0; i < bytes; ++i) content += static_cast<char>(i);
  fs::create_directories(path.parent_path());
  testing::write_plainly(path, content);
}

template <class T>
void write_labels(const fs::path& path, const std::string& dtype, const std::vector<T>& labels) {
  std::string content = npy_header_bytes(dtype, Shape{std::ssize(labels)});
  content.append(reinterpret_cast<const char*>(labels.data()), labels.size() * sizeof(T));
  fs::create_directories(path.parent_path());
  testing::write_plainly(path, content);
}

TEST(NpySource, ReadsImagesAndLabelsOfEveryIntegerType) {
  TempDir temp;
  const fs::path folder = temp / "mine";
  write_array(folder / "images.npy", "|u1", {3, 2, 4, 3});
  const auto expect_labels = [&] {
    const Given given = read("npy", folder);
    EXPECT_EQ(given.samples.at("train"), (Lines{"images.npy:0=2", "images.npy:1=0", "images.npy:2=5"}));
    EXPECT_EQ(given.result.classes.size(), 6u);
    ASSERT_EQ(given.raw.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
      const Image& image = given.raw[i].pixels;
      EXPECT_EQ(image.width, 4);
      EXPECT_EQ(image.height, 2);
      ASSERT_EQ(image.pixels.size(), 24u);
      for (std::size_t k = 0; k < 24; ++k) EXPECT_EQ(image.pixels[k], 24 * i + k);
    }
  };
  const auto with_type = [&](const std::string& dtype, auto example) {
    SCOPED_TRACE(dtype);
    using T = decltype(example);
    write_labels<T>(folder / "labels.npy", dtype, {T{2}, T{0}, T{5}});
    expect_labels();
  };
  with_type("|u1", std::uint8_t{});
  with_type("|i1", std::int8_t{});
  with_type("<u2", std::uint16_t{});
  with_type("<i2", std::int16_t{});
  with_type("<u4", std::uint32_t{});
  with_type("<i4", std::int32_t{});
  with_type("<u8", std::uint64_t{});
  with_type("<i8", std::int64_t{});
}

TEST(NpySource, ReadsLabelsAsColumnsWholeFloatsAndBigEndian) {
  TempDir temp;
  const fs::path folder = temp / "mine";
  write_array(folder / "images.npy", "|u1", {3, 1, 1, 3});
  const auto expect_labels = [&](const std::string& dtype, const Shape& shape, const std::string& bytes) {
    testing::write_plainly(folder / "labels.npy", npy_header_bytes(dtype, shape) + bytes);
    EXPECT_EQ(read("npy", folder).samples.at("train"),
              (Lines{"images.npy:0=2", "images.npy:1=0", "images.npy:2=1"}))
        << dtype;
  };
  const auto bytes_of = [](auto values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
  };
  expect_labels("|u1", {3, 1}, std::string("\2\0\1", 3));
  expect_labels("<f4", {3}, bytes_of(std::vector<float>{2, 0, 1}));
  expect_labels("<f8", {3, 1}, bytes_of(std::vector<double>{2, 0, 1}));
  expect_labels(">i4", {3}, std::string("\0\0\0\2\0\0\0\0\0\0\0\1", 12));
  expect_labels(">f4", {3}, std::string("\x40\0\0\0\0\0\0\0\x3f\x80\0\0", 12));
}

TEST(NpySource, SaysHowToBringOtherImagesIntoShape) {
  TempDir temp;
  const auto says = [&](const std::string& dtype, const Shape& shape, const std::string& part) {
    write_array(temp / "images.npy", dtype, shape);
    write_array(temp / "labels.npy", "|u1", {2});
    const std::string message = refusal("npy", temp.path());
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  says("|u1", {2, 3, 4, 4}, "images.transpose(0, 2, 3, 1)");
  says("<f4", {2, 4, 4, 3}, "(255 * images).round().astype(\"uint8\")");
  says("<i8", {2, 4, 4, 3}, "images.astype(\"uint8\")");
  says("|u1", {2, 4, 4}, "images[..., None].repeat(3, 3)");
  says("|u1", {2, 4, 4, 4}, "images[..., :3]");
}

TEST(NpySource, KnowsSplitsByEveryNameAndBelowOneFolder) {
  TempDir temp;
  for (const char* split : {"Train", "validation"}) {
    write_array(temp / "raw/mine" / split / "images.npy", "|u1", {1, 1, 1, 3});
    write_labels<std::uint8_t>(temp / "raw/mine" / split / "labels.npy", "|u1", {0});
  }
  const Given given = read("npy", temp / "raw");
  EXPECT_EQ(given.samples.at("train"), (Lines{"mine/Train/images.npy:0=0"}));
  EXPECT_EQ(given.samples.at("test"), (Lines{"mine/validation/images.npy:0=0"}));
}

TEST(NpySource, FindsSplitsAndClassNames) {
  TempDir temp;
  const fs::path root = temp / "mine";
  for (const char* split : {"train", "val"}) {
    write_array(root / split / "images.npy", "|u1", {1, 1, 1, 3});
    write_labels<std::uint8_t>(root / split / "labels.npy", "|u1", {split == std::string("val")});
  }
  testing::write_folder(root, {{"classes.txt", "cat\ndog\nowl\n"}});
  const Given both = read("npy", root);
  EXPECT_EQ(both.samples.at("train"), (Lines{"train/images.npy:0=cat"}));
  EXPECT_EQ(both.samples.at("test"), (Lines{"val/images.npy:0=dog"}));
  EXPECT_EQ(both.result.classes, (Lines{"cat", "dog", "owl"}));
  EXPECT_FALSE(read("npy", root, {"test"}).samples.contains("train"));
  EXPECT_EQ(read("npy", root / "val").samples.at("test"), (Lines{"images.npy:0=1"}));
  testing::write_folder(temp.path(), {{"other.txt", "one\ntwo\n"}, {"short.txt", "one\n"}});
  SourceOptions options;
  options.classes = temp / "other.txt";
  EXPECT_EQ(read("npy", root, {}, options).samples.at("test"), (Lines{"val/images.npy:0=two"}));
  options.classes = temp / "short.txt";
  EXPECT_NE(refusal("npy", root, {}, options).find("labels.npy: element 0: label 1, but"), std::string::npos);
}

TEST(NpySource, SaysWhatIsWrong) {
  TempDir temp;
  const fs::path folder = temp / "mine";
  const auto says = [&](const std::string& part, const Lines& splits = {}) {
    const std::string message = refusal("npy", folder, splits);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  const auto images = [&](const std::string& dtype, const Shape& shape) {
    write_array(folder / "images.npy", dtype, shape);
  };
  const auto labels = [&](const std::string& dtype, const Shape& shape) {
    write_array(folder / "labels.npy", dtype, shape);
  };
  says("not a folder");
  fs::create_directories(folder);
  says("holds no images.npy");
  labels("|u1", {2});
  const std::pair<std::string, Shape> wrong[] = {
      {"<f4", {2, 1, 1, 3}}, {"|u1", {2, 1, 1, 1}}, {"|u1", {2, 3}}, {"|u1", {2, 3, 1, 1}}};
  for (const auto& [dtype, shape] : wrong) {
    images(dtype, shape);
    says("expected '|u1' of shape (N, height, width, 3)");
  }
  for (const Shape& shape : {Shape{2, 0, 1, 3}, Shape{2, 1, 0, 3}}) {
    images("|u1", shape);
    says("expected at least one image of 1 to");
  }
  images("|u1", {2, 1, 1, 3});
  for (const auto& [shape, text] : {std::pair{Shape{3}, "3"}, {Shape{2, 4}, "2, 4"}, {Shape{}, ""}}) {
    labels("|u1", shape);
    says(fmt::format("labels.npy: shape ({}), expected (2) as images.npy has so many images", text));
  }
  labels("|u1", {2, 4});
  says("labels.argmax(1)");
  labels("<f2", {2});
  says("labels.npy: elements of type '<f2', expected whole numbers");
  write_labels<float>(folder / "labels.npy", "<f4", {1.0F, 1.5F});
  says("labels.npy: element 1 is not a whole number");
  write_labels<std::int16_t>(folder / "labels.npy", "<i2", {1, -1});
  says("labels.npy: element 1: label -1, expected 0 to 999999");
  write_labels<std::uint64_t>(folder / "labels.npy", "<u8", {~0ull, 0});
  says("labels.npy: element 0: label 9223372036854775807, expected");
  labels("|u1", {2});
  fs::resize_file(folder / "images.npy", fs::file_size(folder / "images.npy") - 1);
  says("5 bytes of data after the header, its shape needs 6");
  images("|u1", {2, 1, 1, 3});
  says("no files of the split unlabeled", {"unlabeled"});
  says("name one --split", {"train", "test"});
  write_array(folder / "train" / "images.npy", "|u1", {2, 1, 1, 3});
  says("images.npy beside train/images.npy");
}

TEST(NpySource, RefusesNoImagesAndTooLargeOnes) {
  TempDir temp;
  write_labels<std::uint8_t>(temp / "none/labels.npy", "|u1", {});
  write_array(temp / "none/images.npy", "|u1", {0, 4, 4, 3});
  EXPECT_NE(refusal("npy", temp / "none").find("0 images of 4×4 pixels"), std::string::npos);
  write_labels<std::uint8_t>(temp / "large/labels.npy", "|u1", {0});
  const std::string header = npy_header_bytes("|u1", Shape{1, 8001, 8000, 3});
  testing::write_plainly(temp / "large/images.npy", header);
  fs::resize_file(temp / "large/images.npy", header.size() + 8001ull * 8000 * 3);  // sparse
  EXPECT_NE(refusal("npy", temp / "large").find("1 images of 8000×8001 pixels, expected"), std::string::npos);
}

}  // namespace
}  // namespace smlp
