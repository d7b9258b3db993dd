#pragma once
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "smlp/scaling/least_squares.hpp"

namespace smlp {

// What a law is fitted to: y > 0 at one or two x > 0.
struct Sample {
  std::array<double, 2> x{1, 1};
  double y = 0;
};

// A law y(x) = Σ c_k·φ_k(x; shape) with c ≥ 0 and two shapes > 0.
class Law {
 public:
  virtual ~Law() = default;

  virtual std::vector<std::string> names() const = 0;  // of its coefficients, as Fit has them
  virtual std::size_t terms() const = 0;
  // φ, and its derivatives by the logarithms of the shapes: terms × 2.
  virtual void evaluate(const Sample& at, const std::array<double, 2>& shape, double* phi,
                        double* slopes) const = 0;
  // Shapes that lie around whatever samples of these can show; their x have the geometric mean 1.
  virtual std::vector<std::array<double, 2>> shapes(const std::vector<Sample>& samples) const = 0;
  // Coefficients of samples whose x and y were divided by these, undone; 0 for what is at its bound.
  virtual std::vector<double> coefficients(const std::vector<double>& c, const std::array<double, 2>& shape,
                                           const std::array<double, 2>& x_unit, double y_unit) const = 0;
  virtual double value(const std::vector<double>& coefficients, const Sample& at) const = 0;
};

// E(C) = a·(b + C)^−α + E∞ ("Scaling MLPs", section 4): coefficients a, b, alpha, e_inf.
const Law& compute_law();

// E(P, N) = E∞ + A·P^−α + B·N^−β: coefficients A, alpha, B, beta, e_inf.
const Law& joint_law();

enum class Objective {
  squares,   // least squares of the error, as in the paper
  huber_log  // Huber's loss (10^−3) of the error's logarithm, as in "Training Compute-Optimal LLMs"
};

struct Fit {
  std::vector<double> coefficients;
  Minimum minimum;            // in the logarithms of the scaled coefficients
  double relative_error = 0;  // root of the mean square of (law − y) / y
};

// The best of several searches. Multiplying all x or y by a factor changes the coefficients as it must and
// nothing else. At least as many samples as the law has coefficients; fewer, or values that are not positive
// and finite: Error(data).
Fit fit_law(const Law& law, const std::vector<Sample>& samples, Objective objective);

// y = k·x^p by least squares of the logarithms: {k, p}. Fewer than two different x: Error(data).
std::array<double, 2> fit_power(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace smlp
