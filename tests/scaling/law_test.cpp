#include "smlp/scaling/law.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "smlp/core/files.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

nlohmann::json golden() {
  return nlohmann::json::parse(
      read_file(fs::path(SMLP_SOURCE_DIR) / "tests/golden/scaling/laws.json", 1 << 20));
}

std::vector<Sample> samples_of(const nlohmann::json& law) {
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < law["y"].size(); ++i) {
    Sample sample{.y = law["y"][i]};
    for (std::size_t k = 0; k < law["x"][i].size(); ++k) sample.x[k] = law["x"][i][k];
    samples.push_back(sample);
  }
  return samples;
}

double squares(const Law& law, const Fit& fit, const std::vector<Sample>& samples) {
  double sum = 0;
  for (const Sample& sample : samples) sum += std::pow(law.value(fit.coefficients, sample) - sample.y, 2);
  return sum;
}

void expect_relative(double found, double wanted, double tolerance) {
  EXPECT_NEAR(found / wanted, 1, tolerance) << found << " " << wanted;
}

TEST(ScalingLaw, FitsAsScipy) {
  const nlohmann::json laws = golden();
  for (const auto& law : laws["compute"]) {
    const std::vector<Sample> samples = samples_of(law);
    const Fit fit = fit_law(compute_law(), samples, Objective::squares);
    EXPECT_TRUE(fit.minimum.converged) << fit.minimum.gradient;
    expect_relative(fit.coefficients[2], law["fit"][2], 1e-4);
    expect_relative(fit.coefficients[3], law["fit"][3], 1e-4);
    EXPECT_LE(squares(compute_law(), fit, samples), double(law["squares"]) * (1 + 1e-9));
  }
  for (const auto& law : laws["joint"]) {
    const std::vector<Sample> samples = samples_of(law);
    const Fit fit = fit_law(joint_law(), samples, Objective::squares);
    EXPECT_TRUE(fit.minimum.converged);
    for (const std::size_t i : {1, 3, 4}) expect_relative(fit.coefficients[i], law["fit"][i], 1e-4);
    EXPECT_LE(squares(joint_law(), fit, samples), double(law["squares"]) * (1 + 1e-9));
  }
}

TEST(ScalingLaw, UnitsChangeNothingButTheUnits) {
  for (const auto objective : {Objective::squares, Objective::huber_log}) {
    const std::vector<Sample> samples = samples_of(golden()["compute"][1]);
    const Fit plain = fit_law(compute_law(), samples, objective);
    for (const double factor : {1e-3, 1e3}) {
      std::vector<Sample> scaled = samples;
      for (Sample& sample : scaled) sample.y *= factor;
      const Fit fit = fit_law(compute_law(), scaled, objective);
      expect_relative(fit.coefficients[2], plain.coefficients[2], 1e-6);
      expect_relative(fit.coefficients[3], factor * plain.coefficients[3], 1e-6);
      for (Sample& sample : scaled) sample.x[0] *= factor;
      expect_relative(fit_law(compute_law(), scaled, objective).coefficients[1],
                      factor * plain.coefficients[1], 1e-5);
    }
  }
}

TEST(ScalingLaw, FindsALawWithoutNoiseExactly) {
  for (const auto objective : {Objective::squares, Objective::huber_log}) {
    std::vector<Sample> samples;
    for (int i = 0; i < 12; ++i) {
      const double c = std::pow(10.0, 12 + i / 2.0);
      samples.push_back({{c, 1}, 30 * std::pow(4e12 + c, -0.15) + 0.1});
    }
    const Fit fit = fit_law(compute_law(), samples, objective);
    expect_relative(fit.coefficients[0], 30, 1e-4);
    expect_relative(fit.coefficients[1], 4e12, 1e-4);
    expect_relative(fit.coefficients[2], 0.15, 1e-5);
    expect_relative(fit.coefficients[3], 0.1, 1e-5);
  }
}

TEST(ScalingLaw, HubersLossIsHardlyMovedByOneWrongPoint) {
  std::vector<Sample> samples = samples_of(golden()["compute"][2]);
  const double plain = fit_law(compute_law(), samples, Objective::huber_log).coefficients[2];
  samples[20].y *= 2;
  expect_relative(fit_law(compute_law(), samples, Objective::huber_log).coefficients[2], plain, 0.02);
  const double moved = fit_law(compute_law(), samples, Objective::squares).coefficients[2];
  EXPECT_GT(std::abs(moved / plain - 1), 0.05);
}

TEST(ScalingLaw, APowerLawIsALineOfLogarithms) {
  const auto [k, p] = fit_power({1e3, 1e5, 1e6}, {2e1, 2e2, 2 * std::pow(10, 2.5)});
  expect_relative(k, 2 / std::sqrt(1e1), 1e-9);
  expect_relative(p, 0.5, 1e-9);
}

TEST(ScalingLaw, RefusesWhatNoLawCanBeFittedTo) {
  const std::vector<Sample> few(3, Sample{{1, 1}, 0.5});
  EXPECT_NE(testing::error_of(ErrorKind::data, [&] { fit_law(compute_law(), few, Objective::squares); })
                .find("3 points, a law of 4 coefficients"),
            std::string::npos);
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    std::vector<Sample> samples(6, Sample{{1, 1}, 0.5});
    samples[2].y = bad;
    testing::error_of(ErrorKind::data, [&] { fit_law(compute_law(), samples, Objective::squares); });
  }
  testing::error_of(ErrorKind::data, [&] { fit_power({2, 2}, {1, 3}); });
}

TEST(LeastSquares, NoFactorIsNegative) {
  const std::vector<double> y{1, 2, 3}, ones{1, 1, 1}, falling{3, 2, 1};
  const std::vector<double> one = nonnegative_least_squares({ones, falling}, y);
  EXPECT_NEAR(one[0], 2, 1e-12);
  EXPECT_EQ(one[1], 0);
  const std::vector<double> both = nonnegative_least_squares({ones, {1, 2, 3}}, y);
  EXPECT_NEAR(both[0], 0, 1e-12);
  EXPECT_NEAR(both[1], 1, 1e-12);
  EXPECT_EQ(nonnegative_least_squares({ones}, std::vector<double>{-1, -1, -1}), std::vector<double>{0});
}

}  // namespace
}  // namespace smlp
