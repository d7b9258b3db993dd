// The image decoders, against PIL.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "smlp/formats/decode.hpp"
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
  return decode_image(span, name);
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

// What follows the image itself may be missing.
void expect_refused_when_cut_or_whole(const std::string& name) {
  const std::string whole = golden_bytes(name);
  const std::vector<std::uint8_t> pixels = decode(whole, name).pixels;
  std::size_t taken = 0;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    try {
      ASSERT_EQ(decode_image(std::as_bytes(std::span(cut)), "cut").pixels, pixels) << name << " at " << size;
      ++taken;
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::data);
    }
  }
  EXPECT_LE(taken, 3u) << name;
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
  const std::string other = golden_bytes("rgb.png");
  const auto decode_other = [&] { decode_jpeg(std::as_bytes(std::span(other)), "image.jpg"); };
  EXPECT_NE(error_of(ErrorKind::data, decode_other).find("image.jpg"), std::string::npos);
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

TEST(Webp, DecodesAsPil) {
  for (const char* name :
       {"lossy.webp", "lossless.webp", "alpha.webp", "alpha_lossless.webp", "animated.webp"})
    expect_as_pil(name);
}

TEST(Webp, RefusesAFileCutAnywhereAndTooManyPixels) {
  for (const char* name : {"lossy.webp", "lossless.webp", "animated.webp"})
    expect_refused_when_cut_or_whole(name);
  std::string large = golden_bytes("animated.webp");
  const std::size_t canvas = large.find("VP8X") + 12;
  large.replace(canvas, 6, "\xff\xff\x3f\xff\xff\x00", 6);
  error_of(ErrorKind::data, [&] { decode(large, "image.webp"); });
}

TEST(Bmp, DecodesAsPil) {
  for (const char* name : {"rgb.bmp", "rgba.bmp", "grey.bmp", "bit.bmp", "palette.bmp", "top_down.bmp"})
    expect_as_pil(name);
}

TEST(Bmp, RefusesAFileCutAnywhereAndTooManyPixels) {
  for (const char* name : {"rgb.bmp", "bit.bmp", "palette.bmp"}) expect_refused_when_cut_or_whole(name);
  std::string large = golden_bytes("rgb.bmp");
  large.replace(18, 8, std::string("\x50\xc3\0\0\x50\xc3\0\0", 8));
  EXPECT_NE(error_of(ErrorKind::data, [&] { decode(large, "image.bmp"); }).find("50000 x 50000 pixels"),
            std::string::npos);
}

TEST(Gif, DecodesTheFirstFrameAsPil) {
  for (const char* name : {"palette.gif", "interlaced.gif", "grey.gif", "transparent.gif",
                           "offset_transparent.gif", "animated.gif"})
    expect_as_pil(name);
}

TEST(Gif, RefusesAFileCutAnywhereAndTooManyPixels) {
  for (const char* name : {"palette.gif", "interlaced.gif", "transparent.gif"})
    expect_refused_when_cut_or_whole(name);
  std::string large = golden_bytes("palette.gif");
  large.replace(6, 4, "\xff\xff\xff\xff");
  EXPECT_NE(error_of(ErrorKind::data, [&] { decode(large, "image.gif"); }).find("65535 x 65535 pixels"),
            std::string::npos);
}

TEST(Images, AreKnownByTheirFirstBytes) {
  const auto kind = [](const std::string& bytes) { return image_kind(std::as_bytes(std::span(bytes))); };
  EXPECT_EQ(kind(golden_bytes("lossy.webp")), ImageKind::webp);
  EXPECT_EQ(kind(golden_bytes("rgb.bmp")), ImageKind::bmp);
  EXPECT_EQ(kind(golden_bytes("palette.gif")), ImageKind::gif);
  for (const char* text : {"", "BM", "BMW and other makers of cars, a list", "RIFF....WAVEfmt ", "GIF"})
    EXPECT_EQ(kind(text), ImageKind::none) << text;
  EXPECT_NE(
      error_of(ErrorKind::data, [] { decode_image({}, "a.jpg"); }).find("a.jpg: the file is empty (0 bytes)"),
      std::string::npos);
}

}  // namespace
}  // namespace smlp
