#pragma once
#include <cstdint>
#include <limits>

namespace smlp {

// Notices a training whose loss explodes though it stays finite, from the mean losses of its log steps: at
// least three in a row above three times ln(classes), what guessing costs, the last of them no new low. A
// loss that begins high and falls, as that of a new head may, is none.
class DivergenceWatch {
 public:
  explicit DivergenceWatch(int classes);

  bool add(double mean_loss);   // whether it is noticed now; once
  bool ends_unnoticed() const;  // after the last: far above guessing and no lower than the first
  double chance() const { return chance_; }

 private:
  const double chance_;
  double first_ = std::numeric_limits<double>::quiet_NaN(), last_ = 0;
  double lowest_ = std::numeric_limits<double>::infinity();  // of those in a row
  std::int64_t in_a_row_ = 0;
  bool told_ = false;
};

}  // namespace smlp
