#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smlp {

// One training: a model of so many parameters and multiply-accumulates of a forward pass, trained for
// `epochs` on so many images, and the error it came to.
struct ScalingPoint {
  std::string model{};  // a name to show; may be empty
  double parameters = 0, macs = 0, images = 0, epochs = 0;
  std::int64_t seed = 0;
  double error = 0;  // a part of one: 0.63, not 63 %

  double seen() const { return images * epochs; }
  double compute() const { return 3 * macs * seen(); }  // "Scaling MLPs", section 4, in multiply-accumulates
};

struct PointTable {
  std::vector<ScalingPoint> points;
  std::vector<std::string> warnings;  // "table.csv: line 7: left out: its error is nan"
};

// A CSV with a head: columns parameters, macs, images and epochs, `error_column`, and if they are there model
// and seed; others are passed over. A column whose name ends in "top1" holds accuracies in %: the error is
// 1 − top1 / 100. Points whose error is missing, or not above 0 and finite (a run that diverged), are left
// out, and named as errors above 1 and accuracies of at most 1 are. A line with too few fields, a number that
// is none, a column that is missing or there twice: Error(data) naming `file`.
PointTable parse_points(std::string_view text, const std::string& file, const std::string& error_column);

std::string points_csv(const std::vector<ScalingPoint>& points);  // which parse_points reads, column "error"

// The points of one model, number of images and epochs: their mean error over seeds.
struct SeedGroup {
  std::vector<ScalingPoint> seeds;
  ScalingPoint mean;     // the first one's numbers, the mean of the errors
  double deviation = 0;  // of a sample; 0: one seed
};

std::vector<SeedGroup> group_seeds(const std::vector<ScalingPoint>& points);  // by compute

// Those that nothing betters with as much compute or less, by compute.
std::vector<ScalingPoint> frontier(std::vector<ScalingPoint> points);

}  // namespace smlp
