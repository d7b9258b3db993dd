#include "smlp/scaling/least_squares.hpp"

#include <algorithm>
#include <cmath>

namespace smlp {
namespace {

constexpr int most_steps = 5000;
constexpr double gradient_tolerance = 1e-9, reduction_tolerance = 1e-13;
constexpr double exact = 1e-20;       // of a residual's square
constexpr double negligible = 1e-12;  // of a square beside the largest
constexpr double first_damping = 1e-3, largest_damping = 1e12;

// The solution of the symmetric positive definite A·x = b by Cholesky's factors; empty where A is none.
std::vector<double> solve(std::vector<double> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j && !(sum > 0)) return {};
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

// One place of the search: the cost there, and JᵀWJ and JᵀWr, where W are the weights of Huber's ρ.
class Place {
 public:
  Place(const Residuals& problem, std::vector<double> at, double delta) : theta(std::move(at)) {
    const std::size_t n = problem.size;
    std::vector<double> r(problem.count), j(problem.count * n);
    problem.at(theta, r, j);
    normal.assign(n * n, 0);
    gradient.assign(n, 0);
    cost = 0;
    for (std::size_t i = 0; i < problem.count; ++i) {
      const double size = std::abs(r[i]), weight = size <= delta ? 1 : delta / size;
      cost += size <= delta ? r[i] * r[i] / 2 : delta * (size - delta / 2);
      weighted_squares += weight * r[i] * r[i];
      for (std::size_t a = 0; a < n; ++a) {
        gradient[a] += weight * r[i] * j[i * n + a];
        for (std::size_t b = 0; b <= a; ++b) normal[a * n + b] += weight * j[i * n + a] * j[i * n + b];
      }
    }
  }

  // A parameter that hardly moves any residual, as one at the end of its range, counts for nothing.
  double largest_cosine() const {
    double largest = 0;
    for (std::size_t a = 0; a < gradient.size(); ++a)
      if (const double square = normal[a * gradient.size() + a]; square > negligible * largest_normal())
        largest = std::max(largest, std::abs(gradient[a]) / std::sqrt(square * weighted_squares));
    return largest;
  }

  // −(JᵀWJ + damping·diagonal)⁻¹·JᵀWr
  std::vector<double> step(double damping) const {
    const std::size_t n = gradient.size();
    std::vector<double> damped = normal, right(n);
    for (std::size_t a = 0; a < n; ++a) {
      damped[a * n + a] += damping * std::max(normal[a * n + a], negligible * largest_normal());
      right[a] = -gradient[a];
    }
    return solve(std::move(damped), std::move(right));
  }

  // How much less the cost would be after that step if the residuals were linear.
  double predicted_reduction(const std::vector<double>& step) const {
    const std::size_t n = step.size();
    double less = 0;
    for (std::size_t a = 0; a < n; ++a) {
      less -= gradient[a] * step[a];
      for (std::size_t b = 0; b < n; ++b)
        less -= step[a] * normal[std::max(a, b) * n + std::min(a, b)] * step[b] / 2;
    }
    return less;
  }

  double largest_normal() const {
    double largest = 0;
    for (std::size_t a = 0; a < gradient.size(); ++a)
      largest = std::max(largest, normal[a * gradient.size() + a]);
    return largest;
  }

  std::vector<double> theta, normal, gradient;  // `normal`: its lower triangle
  double cost = 0, weighted_squares = 0;
};

std::vector<double> sum(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

}  // namespace

Minimum minimise(const Residuals& residuals, std::vector<double> start, double huber_delta) {
  Place here(residuals, std::move(start), huber_delta);
  Minimum found;
  double damping = first_damping;
  const auto ends = [&] {
    found.gradient = here.largest_cosine();
    found.converged =
        here.cost <= exact * static_cast<double>(residuals.count) || found.gradient <= gradient_tolerance;
    return found.converged;
  };
  while (found.steps < most_steps && std::isfinite(here.cost) && !ends()) {
    ++found.steps;
    const std::vector<double> step = here.step(damping);
    const double predicted = step.empty() ? 0 : here.predicted_reduction(step);
    found.reduction = predicted / here.cost;
    Place there(residuals, step.empty() ? here.theta : sum(here.theta, step), huber_delta);
    const bool better = there.cost < here.cost;
    if (!step.empty() && found.reduction <= reduction_tolerance &&
        here.cost - there.cost <= reduction_tolerance * here.cost) {
      if (better) here = std::move(there);
      found.gradient = here.largest_cosine();
      found.converged = true;
      break;
    }
    damping = better ? std::max(damping / 10, 1e-15) : damping * 10;
    if (better) here = std::move(there);
    if (damping > largest_damping) break;
  }
  found.cost = here.cost;
  found.theta = std::move(here.theta);
  return found;
}

std::vector<double> nonnegative_least_squares(const std::vector<std::vector<double>>& columns,
                                              std::span<const double> y) {
  const std::size_t n = columns.size();
  const auto dot = [&](std::span<const double> a, std::span<const double> b) {
    double total = 0;
    for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
    return total;
  };
  std::vector<double> best(n, 0), products(n * n), right(n);
  for (std::size_t a = 0; a < n; ++a) {
    right[a] = dot(columns[a], y);
    for (std::size_t b = 0; b < n; ++b) products[a * n + b] = dot(columns[a], columns[b]);
  }
  double most = 0;  // what a set of columns explains of |y|²
  for (unsigned set = (1u << n) - 1; set > 0; --set) {
    std::vector<std::size_t> chosen;
    for (std::size_t a = 0; a < n; ++a)
      if ((set >> a & 1u) != 0) chosen.push_back(a);
    std::vector<double> a, b;
    for (const std::size_t row : chosen) {
      b.push_back(right[row]);
      for (const std::size_t column : chosen) a.push_back(products[row * n + column]);
    }
    const std::vector<double> c = solve(std::move(a), b);
    if (c.empty() || std::any_of(c.begin(), c.end(), [](double each) { return !(each >= 0); })) continue;
    const double explained = dot(c, b);
    if (explained <= most) continue;
    most = explained;
    std::fill(best.begin(), best.end(), 0);
    for (std::size_t i = 0; i < chosen.size(); ++i) best[chosen[i]] = c[i];
  }
  return best;
}

}  // namespace smlp
