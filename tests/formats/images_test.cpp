// The two image decoders, against PIL.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "smlp/formats/jpeg.hpp"
#include "smlp/formats/png.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::golden_format;
using testing::values;

Image decode(const std::string& bytes, const std::string& name) {
  const auto span = std::as_bytes(std::span(bytes));
  return name.ends_with(".png") ? decode_png(span, name) : decode_jpeg(span, name);
}

std::string golden_bytes(const std::string& name) {
  return read_file(golden_format(name), 100'000);
}

void expect_as_pil(const std::string& name) {
  const Image image = decode(golden_bytes(name), name);
  const NpyFile wanted(golden_format(name + ".npy"));
  EXPECT_EQ((std::vector<std::int64_t>{image.height, image.width, 3}), wanted.header().shape) << name;
  EXPECT_EQ(image.pixels, values<std::uint8_t>(wanted)) << name;
}

// A copy in a block of exactly its size, so that the sanitizer sees a read beyond the end.
void expect_refused_when_cut(const std::string& name, std::size_t step) {
  const std::string whole = golden_bytes(name);
  for (std::size_t size = 0; size < whole.size(); size += step) {
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto bytes = std::as_bytes(std::span(cut));
    const std::string message = error_of(ErrorKind::data, [&] {
      name.ends_with(".png") ? decode_png(bytes, "cut") : decode_jpeg(bytes, "cut");
    });
    ASSERT_NE(message.find("cut: "), std::string::npos) << name << " at " << size;
  }
}

void put_big_endian(std::string& bytes, std::size_t offset, std::uint32_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    bytes[offset + i] = static_cast<char>(value >> 8 * (count - 1 - i) & 0xff);
}

TEST(Jpeg, DecodesAsPil) {
  for (const char* name : {"grey.jpg", "444.jpg", "422.jpg", "420.jpg", "progressive.jpg", "restart.jpg",
                           "cmyk.jpg", "ycck.jpg"})
    expect_as_pil(name);
}

TEST(Jpeg, RefusesAFileCutAnywhere) {
  expect_refused_when_cut("grey.jpg", 1);
  expect_refused_when_cut("progressive.jpg", 1);
}

TEST(Jpeg, RefusesOtherFilesAndTooManyPixels) {
  EXPECT_NE(error_of(ErrorKind::data, [] { decode(golden_bytes("rgb.png"), "image.jpg"); }).find("image.jpg"),
            std::string::npos);
  std::string large = golden_bytes("444.jpg");
  const std::size_t frame = large.find("\xff\xc0");
  put_big_endian(large, frame + 5, 60'000, 2);
  put_big_endian(large, frame + 7, 60'000, 2);
  EXPECT_NE(error_of(ErrorKind::data, [&] { decode(large, "image.jpg"); }).find("60000 x 60000 pixels"),
            std::string::npos);
}

TEST(Jpeg, TakesAHeaderWithSubsamplingThatTurboJpegHasNoNameFor) {
  std::string bytes = golden_bytes("444.jpg");
  const std::size_t frame = bytes.find("\xff\xc0");
  ASSERT_EQ(bytes[frame + 11], 0x11);
  for (const std::size_t component : {0u, 1u, 2u})
    bytes[frame + 11 + 3 * component] = component == 1 ? 0x11 : 0x21;
  // The data no longer fits the header, but the header is taken and the decoder starts.
  const std::string message = error_of(ErrorKind::data, [&] { decode(bytes, "odd.jpg"); });
  EXPECT_NE(message.find("broken JPEG"), std::string::npos) << message;
}

TEST(Png, DecodesAsPil) {
  for (const char* name : {"rgb.png", "rgba.png", "grey.png", "grey_alpha.png", "bit.png", "palette.png",
                           "palette_transparent.png", "rgb16.png", "grey16.png", "interlaced.png"})
    expect_as_pil(name);
}

TEST(Png, RefusesAFileCutAnywhere) {
  expect_refused_when_cut("rgb.png", 1);
  expect_refused_when_cut("interlaced.png", 1);
  expect_refused_when_cut("palette_transparent.png", 1);
}

TEST(Png, RefusesDamageAndTooManyPixels) {
  std::string damaged = golden_bytes("rgb.png");
  damaged[damaged.size() / 2] ^= 0x10;
  EXPECT_NE(error_of(ErrorKind::data, [&] { decode(damaged, "image.png"); }).find("image.png"),
            std::string::npos);
  // 64,000,001 x 1 with a right checksum.
  std::string wide = golden_bytes("rgb.png");
  put_big_endian(wide, 16, 64'000'001, 4);
  put_big_endian(wide, 20, 1, 4);
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t i = 12; i < 29; ++i) {
    crc ^= static_cast<unsigned char>(wide[i]);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  put_big_endian(wide, 29, ~crc, 4);
  EXPECT_NE(error_of(ErrorKind::data, [&] { decode(wide, "image.png"); }).find("64000001 x 1 pixels"),
            std::string::npos);
}

TEST(Png, WritesWhatItReads) {
  const Image image = decode(golden_bytes("rgb.png"), "rgb.png");
  const Image again = decode(encode_png(image), "again.png");
  EXPECT_EQ(again.width, image.width);
  EXPECT_EQ(again.height, image.height);
  EXPECT_EQ(again.pixels, image.pixels);
  error_of(ErrorKind::failed, [] { encode_png({4, 4, {1, 2, 3}}); });
}

}  // namespace
}  // namespace smlp
