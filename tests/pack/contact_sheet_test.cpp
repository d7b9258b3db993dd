#include "smlp/pack/contact_sheet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "smlp/formats/png.hpp"
#include "smlp/formats/resample.hpp"
#include "support/images.hpp"

namespace smlp {
namespace {

using testing::picture;
using testing::small_dataset;

constexpr int margin = 8, row_gap = 3, band_gap = 16, heading = 13;

// As it comes back from the file.
Image sheet_of(const Dataset& data) {
  const std::string file = encode_png(contact_sheet(data));
  return decode_png(std::as_bytes(std::span(file)), "sheet");
}

Image cut(const Image& image, int left, int top, int width, int height) {
  Image part{width, height, {}};
  for (int y = top; y < top + height; ++y) {
    const auto row = image.pixels.begin() + std::ptrdiff_t{3} * (y * image.width + left);
    part.pixels.insert(part.pixels.end(), row, row + 3 * width);
  }
  return part;
}

int dark_pixels(const Image& image) {
  return static_cast<int>(
             std::count_if(image.pixels.begin(), image.pixels.end(), [](int v) { return v < 100; })) /
         3;
}

Image enlarged(const Image& image, int factor) {
  Image large{image.width * factor, image.height * factor, {}};
  for (int y = 0; y < large.height; ++y)
    for (int x = 0; x < large.width; ++x)
      for (int c = 0; c < 3; ++c)
        large.pixels.push_back(image.pixels[3 * (y / factor * image.width + x / factor) + c]);
  return large;
}

std::shared_ptr<const Dataset> with_classes(int images, int size, const std::vector<std::string>& names) {
  const auto plain = small_dataset(images, size, static_cast<int>(std::max<std::size_t>(1, names.size())));
  DatasetInfo info = plain->info();
  info.classes = names;
  std::vector<std::int64_t> labels(images, -1);
  for (int i = 0; i < images && !names.empty(); ++i) labels[i] = plain->label(i);
  return Dataset::from_memory(
      info, {plain->image(0), plain->image(0) + std::ptrdiff_t{3} * images * size * size}, labels);
}

TEST(ContactSheet, ShowsImagesSpreadOverEachClassUnderItsName) {
  const int cell = 95;  // 19 × 5
  const Image sheet = sheet_of(*small_dataset(45, 5, 3));
  ASSERT_EQ(sheet.width, margin + 3 * (cell + margin));
  ASSERT_EQ(sheet.height, 2 * margin + heading + 8 * cell + 7 * row_gap);
  for (int c = 0; c < 3; ++c) {
    const int left = margin + c * (cell + margin);
    EXPECT_GT(dark_pixels(cut(sheet, left, margin, cell, heading)), 50) << "the name of class " << c;
    int row = 0;
    for (const int member : {0, 1, 3, 5, 7, 9, 11, 13}) {  // of the class's fifteen
      EXPECT_EQ(cut(sheet, left, margin + heading + row * (cell + row_gap), cell, cell).pixels,
                enlarged(picture(5, 5, c + 3 * member), 19).pixels)
          << "class " << c << ", row " << row;
      ++row;
    }
  }
  EXPECT_EQ(dark_pixels(cut(sheet, 0, 0, margin, sheet.height)), 0);
}

TEST(ContactSheet, LargeImagesAreResized) {
  const Image sheet = sheet_of(*small_dataset(2, 100, 2));
  const Image second = picture(100, 100, 1);
  EXPECT_EQ(cut(sheet, 2 * margin + 96, margin + heading, 96, 96).pixels,
            resize_rgb(second.pixels.data(), 100, 0, 0, 100, 100, 96, 96));
  EXPECT_EQ(sheet.height, 2 * margin + heading + 96) << "one row: no class has more";
}

TEST(ContactSheet, OfManyClassesShowsSomeOfTheWholeList) {
  const Image sheet = sheet_of(*small_dataset(100, 64, 50));
  const int band = heading + 2 * 64 + row_gap;
  ASSERT_EQ(sheet.width, margin + 10 * (64 + margin));
  ASSERT_EQ(sheet.height, 2 * margin + 2 * band + band_gap);
  const int last_left = margin + 9 * (64 + margin);
  EXPECT_EQ(cut(sheet, last_left, margin + heading, 64, 64).pixels, picture(64, 64, 22).pixels);
  EXPECT_EQ(cut(sheet, last_left, margin + band + band_gap + heading, 64, 64).pixels,
            picture(64, 64, 47).pixels);
}

TEST(ContactSheet, NamesStayInTheirColumnWhateverTheyHold) {
  const Image sheet = sheet_of(*with_classes(2, 64, {std::string(300, 'W') + "~", "\xc3\xa9\n\x01\x7f~"}));
  EXPECT_GT(dark_pixels(cut(sheet, margin, margin, 64, heading)), 100);
  EXPECT_EQ(dark_pixels(cut(sheet, margin + 64, margin, margin, heading)), 0);
  EXPECT_GT(dark_pixels(cut(sheet, 2 * margin + 64, margin, 64, heading)), 20);
  const Image same = sheet_of(*with_classes(2, 64, {"x", "????~"}));
  EXPECT_EQ(cut(sheet, 2 * margin + 64, margin, 64, heading).pixels,
            cut(same, 2 * margin + 64, margin, 64, heading).pixels);
}

TEST(ContactSheet, ImagesWithoutClassesHaveNoNames) {
  const Image sheet = sheet_of(*with_classes(160, 64, {}));
  ASSERT_EQ(sheet.width, margin + 10 * (64 + margin));
  ASSERT_EQ(sheet.height, 2 * margin + 8 * 64 + 7 * row_gap);
  EXPECT_EQ(cut(sheet, margin + 64 + margin, margin + 64 + row_gap, 64, 64).pixels,
            picture(64, 64, 22).pixels)
      << "image 11 of the 80 shown";
}

TEST(ContactSheet, OneImageIsEnough) {
  const Image sheet = sheet_of(*small_dataset(1, 1, 3));
  EXPECT_EQ(cut(sheet, margin, margin + heading, 96, 96).pixels, enlarged(picture(1, 1, 0), 96).pixels);
  EXPECT_EQ(dark_pixels(cut(sheet, margin + 96 + margin, margin + heading, 96, 96)), 0) << "an empty class";
}

}  // namespace
}  // namespace smlp
