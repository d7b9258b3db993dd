#pragma once
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace smlp {

// r(θ), about 1 where nothing fits: `count` residuals of `size` parameters, and their derivatives, count ×
// size, row by row.
struct Residuals {
  std::size_t count = 0, size = 0;
  std::function<void(std::span<const double> theta, std::span<double> residuals,
                     std::span<double> derivatives)>
      at;
};

// Where a search ended, and what shows that it may have ended there.
struct Minimum {
  std::vector<double> theta;
  double cost = std::numeric_limits<double>::infinity();  // Σ ρ(r)
  double gradient = 0;   // the largest cosine between the residuals and their derivative by a parameter
  double reduction = 0;  // of the cost, relative, that one more step could bring
  int steps = 0;
  bool converged = false;  // the gradient or the reduction is nothing but rounding
};

// Levenberg and Marquardt's method. ρ(r) is r²/2 up to huber_delta and huber_delta·(|r| − huber_delta/2)
// beyond, minimised with weights that follow the residuals. A local minimum: who knows of several starts from
// several places.
Minimum minimise(const Residuals& residuals, std::vector<double> start,
                 double huber_delta = std::numeric_limits<double>::infinity());

// The c ≥ 0 of the smallest |Σ c_k·columns_k − y|², at most eight columns. Columns that depend on one another
// share as the order of the columns has it.
std::vector<double> nonnegative_least_squares(const std::vector<std::vector<double>>& columns,
                                              std::span<const double> y);

}  // namespace smlp
