#include "smlp/scaling/law.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

using Shape = std::array<double, 2>;

constexpr std::size_t searches = 3;
constexpr double huber_delta = 1e-3;
constexpr double nothing = 1e-9;                        // of a scaled coefficient: it is at its bound
constexpr double smallest_log = -60, largest_log = 60;  // of scaled coefficients

double or_zero(double scaled) {
  return scaled < nothing ? 0 : scaled;
}

std::vector<double> geometric_steps(double from, double to, int count) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(from * std::pow(to / from, i / (count - 1.0)));
  return values;
}

std::vector<Shape> grid(const std::vector<double>& first, const std::vector<double>& second) {
  std::vector<Shape> shapes;
  for (const double a : first)
    for (const double b : second) shapes.push_back({a, b});
  return shapes;
}

class ComputeLaw : public Law {
 public:
  std::vector<std::string> names() const override { return {"a", "b", "alpha", "e_inf"}; }
  std::size_t terms() const override { return 2; }

  void evaluate(const Sample& at, const Shape& shape, double* phi, double* slopes) const override {
    const auto [b, alpha] = shape;
    const double logarithm = std::log(b + at.x[0]);
    phi[0] = std::exp(-alpha * logarithm);
    phi[1] = 1;
    slopes[0] = -alpha * phi[0] * b / (b + at.x[0]);
    slopes[1] = -alpha * phi[0] * logarithm;
    slopes[2] = slopes[3] = 0;
  }

  std::vector<Shape> shapes(const std::vector<Sample>& samples) const override {
    double least = samples[0].x[0], most = least;
    for (const Sample& sample : samples) {
      least = std::min(least, sample.x[0]);
      most = std::max(most, sample.x[0]);
    }
    return grid(geometric_steps(least / 100, most, 6), geometric_steps(0.03, 3, 10));
  }

  std::vector<double> coefficients(const std::vector<double>& c, const Shape& shape, const Shape& x_unit,
                                   double y_unit) const override {
    return {c[0] * y_unit * std::pow(x_unit[0], shape[1]), or_zero(shape[0]) * x_unit[0], shape[1],
            or_zero(c[1]) * y_unit};
  }

  double value(const std::vector<double>& c, const Sample& at) const override {
    return c[0] * std::pow(c[1] + at.x[0], -c[2]) + c[3];
  }
};

class JointLaw : public Law {
 public:
  std::vector<std::string> names() const override { return {"A", "alpha", "B", "beta", "e_inf"}; }
  std::size_t terms() const override { return 3; }

  void evaluate(const Sample& at, const Shape& shape, double* phi, double* slopes) const override {
    for (std::size_t i = 0; i < 2; ++i) {
      const double logarithm = std::log(at.x[i]);
      phi[i] = std::exp(-shape[i] * logarithm);
      slopes[2 * i + i] = -shape[i] * phi[i] * logarithm;
      slopes[2 * i + 1 - i] = 0;
    }
    phi[2] = 1;
    slopes[4] = slopes[5] = 0;
  }

  std::vector<Shape> shapes(const std::vector<Sample>&) const override {
    const std::vector<double> exponents = geometric_steps(0.03, 3, 8);
    return grid(exponents, exponents);
  }

  std::vector<double> coefficients(const std::vector<double>& c, const Shape& shape, const Shape& x_unit,
                                   double y_unit) const override {
    return {c[0] * y_unit * std::pow(x_unit[0], shape[0]), shape[0],
            c[1] * y_unit * std::pow(x_unit[1], shape[1]), shape[1], or_zero(c[2]) * y_unit};
  }

  double value(const std::vector<double>& c, const Sample& at) const override {
    return c[0] * std::pow(at.x[0], -c[1]) + c[2] * std::pow(at.x[1], -c[3]) + c[4];
  }
};

// Samples in units in which x and y are about 1, so that no unit decides how well a search goes.
struct Scaled {
  std::vector<Sample> samples;
  Shape x_unit{1, 1};
  double y_unit = 1;
};

double geometric_mean(const std::vector<Sample>& samples, const auto& value) {
  double sum = 0;
  for (const Sample& sample : samples) sum += std::log(value(sample));
  return std::exp(sum / static_cast<double>(samples.size()));
}

Scaled scaled(std::vector<Sample> samples) {
  Scaled result;
  for (std::size_t i = 0; i < 2; ++i)
    result.x_unit[i] = geometric_mean(samples, [&](const Sample& each) { return each.x[i]; });
  result.y_unit = geometric_mean(samples, [](const Sample& each) { return each.y; });
  for (Sample& sample : samples) {
    for (std::size_t i = 0; i < 2; ++i) sample.x[i] /= result.x_unit[i];
    sample.y /= result.y_unit;
  }
  result.samples = std::move(samples);
  return result;
}

// θ: the logarithms of the terms' factors, then of the shapes.
Residuals residuals_of(const Law& law, const std::vector<Sample>& samples, Objective objective) {
  const std::size_t terms = law.terms(), size = terms + 2;
  const auto at = [&law, &samples, objective, terms, size](std::span<const double> theta, std::span<double> r,
                                                           std::span<double> derivatives) {
    std::array<double, 8> factor{}, phi{};
    std::array<double, 16> slopes{};
    const auto exp_of = [&](std::size_t i) {
      return std::exp(std::clamp(theta[i], smallest_log, largest_log));
    };
    for (std::size_t k = 0; k < terms; ++k) factor[k] = exp_of(k);
    const Shape shape{exp_of(terms), exp_of(terms + 1)};
    for (std::size_t i = 0; i < samples.size(); ++i) {
      law.evaluate(samples[i], shape, phi.data(), slopes.data());
      double* row = derivatives.data() + i * size;
      double value = row[terms] = row[terms + 1] = 0;
      for (std::size_t k = 0; k < terms; ++k) {
        value += row[k] = factor[k] * phi[k];
        for (std::size_t s = 0; s < 2; ++s) row[terms + s] += factor[k] * slopes[2 * k + s];
      }
      r[i] = objective == Objective::squares ? value - samples[i].y : std::log(value / samples[i].y);
      if (objective == Objective::huber_log)
        for (std::size_t k = 0; k < size; ++k) row[k] /= value;
    }
  };
  return {samples.size(), size, at};
}

struct Start {
  std::vector<double> theta;
  double squares = 0;
};

// With the shapes fixed the law is linear in the factors.
Start start_at(const Law& law, const std::vector<Sample>& samples, const Shape& shape) {
  const std::size_t terms = law.terms();
  std::vector<std::vector<double>> columns(terms);
  std::vector<double> y, phi(terms), slopes(2 * terms);
  for (const Sample& sample : samples) {
    law.evaluate(sample, shape, phi.data(), slopes.data());
    for (std::size_t k = 0; k < terms; ++k) columns[k].push_back(phi[k]);
    y.push_back(sample.y);
  }
  const std::vector<double> factors = nonnegative_least_squares(columns, y);
  Start start;
  for (std::size_t i = 0; i < y.size(); ++i) {
    double value = 0;
    for (std::size_t k = 0; k < terms; ++k) value += factors[k] * columns[k][i];
    start.squares += (value - y[i]) * (value - y[i]);
  }
  for (const double factor : factors) start.theta.push_back(std::log(std::max(factor, 1e-6)));
  for (const double each : shape) start.theta.push_back(std::log(each));
  return start;
}

std::vector<Start> best_starts(const Law& law, const std::vector<Sample>& samples) {
  std::vector<Start> starts;
  for (const Shape& shape : law.shapes(samples)) starts.push_back(start_at(law, samples, shape));
  const auto end = starts.begin() + static_cast<std::ptrdiff_t>(std::min(searches, starts.size()));
  std::partial_sort(starts.begin(), end, starts.end(),
                    [](const Start& a, const Start& b) { return a.squares < b.squares; });
  starts.erase(end, starts.end());
  return starts;
}

void check_samples(const Law& law, const std::vector<Sample>& samples) {
  const auto good = [](double value) { return std::isfinite(value) && value > 0; };
  for (const Sample& sample : samples)
    if (!good(sample.x[0]) || !good(sample.x[1]) || !good(sample.y))
      fail(ErrorKind::data, "a point at {}, {} with {}: all must be positive", sample.x[0], sample.x[1],
           sample.y);
  if (samples.size() < law.names().size())
    fail(ErrorKind::data, "{} points, a law of {} coefficients needs as many at least", samples.size(),
         law.names().size());
}

}  // namespace

const Law& compute_law() {
  static const ComputeLaw law;
  return law;
}

const Law& joint_law() {
  static const JointLaw law;
  return law;
}

Fit fit_law(const Law& law, const std::vector<Sample>& samples, Objective objective) {
  check_samples(law, samples);
  const Scaled units = scaled(samples);
  const Residuals residuals = residuals_of(law, units.samples, objective);
  const double delta =
      objective == Objective::huber_log ? huber_delta : std::numeric_limits<double>::infinity();
  Fit fit;
  for (Start& start : best_starts(law, units.samples)) {
    Minimum minimum = minimise(residuals, std::move(start.theta), delta);
    if (minimum.cost < fit.minimum.cost) fit.minimum = std::move(minimum);
  }
  const std::size_t terms = law.terms();
  std::vector<double> values;
  for (const double theta : fit.minimum.theta)
    values.push_back(std::exp(std::clamp(theta, smallest_log, largest_log)));
  const Shape shape{values[terms], values[terms + 1]};
  fit.coefficients = law.coefficients(values, shape, units.x_unit, units.y_unit);
  for (const Sample& sample : samples) {
    const double relative = law.value(fit.coefficients, sample) / sample.y - 1;
    fit.relative_error += relative * relative;
  }
  fit.relative_error = std::sqrt(fit.relative_error / static_cast<double>(samples.size()));
  return fit;
}

std::array<double, 2> fit_power(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += std::log(x[i]) / n;
    mean_y += std::log(y[i]) / n;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (std::log(x[i]) - mean_x) * (std::log(x[i]) - mean_x);
    xy += (std::log(x[i]) - mean_x) * (std::log(y[i]) - mean_y);
  }
  if (x.size() < 2 || !(xx > 1e-12))
    fail(ErrorKind::data, "{} points of one size: a power law needs two", x.size());
  return {std::exp(mean_y - xy / xx * mean_x), xy / xx};
}

}  // namespace smlp
