#include "smlp/pack/contact_sheet.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "draw_text.hpp"
#include "smlp/formats/resample.hpp"

namespace smlp {
namespace {

constexpr int margin = 8, row_gap = 3, band_gap = 16;  // pixels
constexpr std::uint8_t paper = 255;
constexpr std::array<std::uint8_t, 3> ink{32, 32, 32};

struct Column {
  std::string name;
  std::vector<std::int64_t> images;
};

std::vector<Column> unnamed_columns(const Dataset& set) {
  const std::int64_t shown = std::min<std::int64_t>(set.size(), sheet_columns * sheet_images);
  std::vector<Column> columns(static_cast<std::size_t>(std::min<std::int64_t>(shown, sheet_columns)));
  for (std::int64_t k = 0; k < shown; ++k)
    columns[static_cast<std::size_t>(k) % columns.size()].images.push_back(k * set.size() / shown);
  return columns;
}

std::vector<Column> class_columns(const Dataset& set) {
  const int classes = set.classes(), shown = std::min(classes, sheet_classes);
  std::vector<Column> columns(static_cast<std::size_t>(shown));
  std::vector<int> column_of(static_cast<std::size_t>(classes), -1);
  for (int k = 0; k < shown; ++k) {
    const auto label = static_cast<std::size_t>(std::int64_t{k} * classes / shown);
    columns[k].name = set.info().classes[label];
    column_of[label] = k;
  }
  std::vector<std::int64_t> count(columns.size()), seen(columns.size());
  for (std::int64_t i = 0; i < set.size(); ++i)
    if (const int k = column_of[set.label(i)]; k >= 0) ++count[k];
  for (std::int64_t i = 0; i < set.size(); ++i) {
    const int k = column_of[set.label(i)];
    if (k < 0) continue;
    const std::int64_t taken = std::min<std::int64_t>(count[k], sheet_images);
    if (seen[k]++ == std::ssize(columns[k].images) * count[k] / taken) columns[k].images.push_back(i);
  }
  return columns;
}

Image shown_image(const Dataset& set, std::int64_t i) {
  const int size = set.image_size(), factor = std::max(1, sheet_image_size / size);
  if (size > sheet_image_size)
    return {sheet_image_size, sheet_image_size,
            resize_rgb(set.image(i), size, 0, 0, size, size, sheet_image_size, sheet_image_size)};
  Image image{size * factor, size * factor, {}};
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const std::uint8_t* pixel = set.image(i) + (y / factor * size + x / factor) * 3;
      image.pixels.insert(image.pixels.end(), pixel, pixel + 3);
    }
  return image;
}

void paste(Image& sheet, const Image& image, int left, int top) {
  for (int y = 0; y < image.height; ++y)
    std::copy_n(image.pixels.begin() + std::ptrdiff_t{3} * y * image.width, image.width * 3,
                sheet.pixels.begin() + 3 * (std::ptrdiff_t{top + y} * sheet.width + left));
}

// Bands of columns below one another, each with a line of names above.
struct Layout {
  int columns, bands, rows, cell, heading;

  Layout(const std::vector<Column>& content, int image_size) {
    std::size_t longest = 1;
    for (const Column& column : content) longest = std::max(longest, column.images.size());
    columns = static_cast<int>(std::min<std::size_t>(content.size(), sheet_columns));
    bands = (static_cast<int>(content.size()) + sheet_columns - 1) / sheet_columns;
    rows = static_cast<int>(longest);
    cell = std::min(sheet_image_size, std::max(1, sheet_image_size / image_size) * image_size);
    heading = content.front().name.empty() ? 0 : text_height + row_gap;
  }
  int width() const { return margin + columns * (cell + margin); }
  int height() const { return 2 * margin + bands * band_height() + (bands - 1) * band_gap; }
  int band_height() const { return heading + rows * (cell + row_gap) - row_gap; }
  int left(int column) const { return margin + column % sheet_columns * (cell + margin); }
  int name_top(int column) const { return margin + column / sheet_columns * (band_height() + band_gap); }
  int top(int column, int row) const { return name_top(column) + heading + row * (cell + row_gap); }
};

}  // namespace

Image contact_sheet(const Dataset& set) {
  const std::vector<Column> columns = set.classes() == 0 ? unnamed_columns(set) : class_columns(set);
  const Layout layout(columns, set.image_size());
  Image sheet{layout.width(), layout.height(), {}};
  sheet.pixels.assign(std::size_t{3} * sheet.width * sheet.height, paper);
  for (int c = 0; c < static_cast<int>(columns.size()); ++c) {
    draw_text(sheet, layout.left(c), layout.name_top(c), fit_text(columns[c].name, 1, layout.cell), 1, ink);
    for (int row = 0; row < static_cast<int>(columns[c].images.size()); ++row)
      paste(sheet, shown_image(set, columns[c].images[row]), layout.left(c), layout.top(c, row));
  }
  return sheet;
}

}  // namespace smlp
