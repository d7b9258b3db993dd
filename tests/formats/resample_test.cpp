#include "smlp/formats/resample.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/errors.hpp"
#include "support/golden.hpp"

namespace smlp {
namespace {

using testing::golden_format;
using testing::values;

// The table as a matrix [out, length].
std::vector<float> dense(const FilterTable& table, int start, int length) {
  std::vector<float> matrix(table.rows.size() * static_cast<std::size_t>(length));
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const FilterRow& row = table.rows[i];
    for (int k = 0; k < row.count; ++k) {
      const int column = row.first - start + k;
      if (column < 0 || column >= length) throw std::out_of_range("a tap outside the box");
      matrix[i * static_cast<std::size_t>(length) + static_cast<std::size_t>(column)] =
          table.weights[static_cast<std::size_t>(row.offset + k)];
    }
  }
  return matrix;
}

void expect_weights(const std::string& golden, int start, int length, int out, float tolerance) {
  const auto wanted = values<float>(NpyFile(golden_format(golden)));
  const auto found = dense(triangle_filter(start, length, out), start, length);
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    ASSERT_NEAR(found[i], wanted[i], tolerance) << golden << " " << i;
}

TEST(TriangleFilter, HasPilsWeights) {
  expect_weights("triangle_10_4.npy", 0, 10, 4, 1e-7f);
  expect_weights("triangle_5_5.npy", 0, 5, 5, 0);
  expect_weights("triangle_4_9.npy", 100, 4, 9, 1e-7f);  // of a box: the same, from its start
  expect_weights("triangle_100_7.npy", 0, 100, 7, 1e-7f);
  expect_weights("triangle_1_3.npy", 3, 1, 3, 0);
  expect_weights("triangle_64_63.npy", 0, 64, 63, 1e-7f);
}

TEST(TriangleFilter, EnlargesAsTorchInterpolate) {
  expect_weights("enlarge_4_9.npy", 0, 4, 9, 1e-6f);
  expect_weights("enlarge_3_64.npy", 7, 3, 64, 1e-6f);
}

TEST(TriangleFilter, RefusesNothingToResample) {
  testing::error_of(ErrorKind::failed, [] { triangle_filter(0, 0, 4); });
  testing::error_of(ErrorKind::failed, [] { triangle_filter(0, 4, 0); });
}

void expect_close(const std::vector<std::uint8_t>& found, const std::string& golden) {
  const auto wanted = values<std::uint8_t>(NpyFile(golden_format(golden)));
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    ASSERT_LE(std::abs(found[i] - wanted[i]), 1) << golden << " " << i;
}

TEST(ResizeRgb, IsWithinOneGreyLevelOfPil) {
  const auto source = values<std::uint8_t>(NpyFile(golden_format("resize_source.npy")));
  expect_close(resize_rgb(source.data(), 17, 0, 0, 17, 23, 8, 8), "resize_8_8.npy");
  expect_close(resize_rgb(source.data(), 17, 0, 0, 17, 23, 40, 31), "resize_40_31.npy");
  expect_close(resize_rgb(source.data(), 17, 0, 0, 17, 23, 17, 5), "resize_17_5.npy");
  expect_close(resize_rgb(source.data(), 17, 3, 5, 11, 13, 6, 6), "resize_box.npy");
  EXPECT_EQ(resize_rgb(source.data(), 17, 0, 0, 17, 23, 17, 23), source);
}

}  // namespace
}  // namespace smlp
