#include "smlp/train/ridge.hpp"

#include <gtest/gtest.h>

#include "smlp/core/error.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

struct Problem {
  torch::Tensor features, labels, targets;  // [N, width], [N], one-hot [N, classes]
};

Problem make_problem(std::int64_t images, std::int64_t width, std::int64_t classes) {
  torch::manual_seed(1);
  const torch::Tensor features = torch::randn({images, width}, torch::kFloat64) * 3 + 7;
  const torch::Tensor labels = torch::arange(images) % classes;
  return {features, labels, torch::one_hot(labels, classes).to(torch::kFloat64)};
}

RidgeRegression fit(const Problem& p, std::int64_t batch) {
  RidgeRegression regression(p.features.size(1), p.targets.size(1), torch::kCPU);
  for (std::int64_t i = 0; i < p.features.size(0); i += batch)
    regression.add(p.features.slice(0, i, i + batch), p.labels.slice(0, i, i + batch));
  regression.decompose();
  return regression;
}

// The same minimum as that of ordinary least squares on centred data with √(penalty · s) · I appended as
// rows.
LinearHead by_least_squares(const Problem& p, double penalty) {
  const torch::Tensor mean = p.features.mean(0), x = p.features - mean;
  const torch::Tensor target_mean = p.targets.mean(0);
  const double s = x.pow(2).sum().item<double>() / static_cast<double>(x.size(1));
  const torch::Tensor rows = torch::eye(x.size(1), torch::kFloat64) * std::sqrt(penalty * s);
  const torch::Tensor a = torch::cat({x, rows});
  const torch::Tensor b =
      torch::cat({p.targets - target_mean, torch::zeros({x.size(1), p.targets.size(1)}, torch::kFloat64)});
  const torch::Tensor weight = std::get<0>(torch::linalg_lstsq(a, b)).t();
  return {weight, target_mean - weight.mv(mean)};
}

TEST(RidgeRegression, EqualsLeastSquaresWithAPenaltyOnTheWeightsAlone) {
  const Problem p = make_problem(60, 13, 4);
  const RidgeRegression whole = fit(p, 60), batches = fit(p, 7);
  for (const double penalty : {1e-8, 1e-3, 1.0, 100.0}) {
    const LinearHead expected = by_least_squares(p, penalty), found = whole.solve(penalty);
    EXPECT_TRUE(torch::allclose(found.weight, expected.weight, 1e-8, 1e-10)) << penalty;
    EXPECT_TRUE(torch::allclose(found.bias, expected.bias, 1e-8, 1e-10)) << penalty;
    EXPECT_TRUE(torch::allclose(batches.solve(penalty).weight, expected.weight, 1e-8, 1e-10)) << penalty;
  }
}

TEST(RidgeRegression, EachImageLeftOutIsAnsweredAsByAFitWithoutIt) {
  const Problem p = make_problem(24, 30, 3);  // fewer images than features, too
  const RidgeRegression whole = fit(p, 24);
  const auto scale = [](const Problem& q) {
    return (q.features - q.features.mean(0)).square().sum().item<double>() /
           static_cast<double>(q.features.size(1));
  };
  for (const double penalty : {1e-4, 1.0}) {
    const torch::Tensor found = whole.left_out_scores(whole.rotate(p.features), p.labels, penalty);
    for (std::int64_t i = 0; i < 24; ++i) {
      const torch::Tensor others = torch::arange(24).masked_select(torch::arange(24) != i);
      const Problem q{p.features.index({others}), p.labels.index({others}), p.targets.index({others})};
      const LinearHead head = by_least_squares(q, penalty * scale(p) / scale(q));
      EXPECT_TRUE(torch::allclose(found[i], head.weight.mv(p.features[i]) + head.bias, 1e-6, 1e-8)) << i;
    }
  }
}

TEST(RidgeRegression, FeaturesThatAreAlwaysZeroGetNoWeight) {
  Problem p = make_problem(40, 6, 3);
  p.features.select(1, 2).zero_();
  const LinearHead head = fit(p, 40).solve(1e-8);
  EXPECT_LT(head.weight.select(1, 2).abs().max().item<double>(), 1e-9);
  EXPECT_TRUE(torch::isfinite(head.weight).all().item<bool>());
}

TEST(RidgeRegression, RefusesFeaturesThatSayNothing) {
  Problem p = make_problem(20, 5, 2);
  for (const double value : {0.0, 0.1, -1e6}) {
    p.features.fill_(value);
    testing::error_of(ErrorKind::data, [&] { fit(p, 20); });
  }
  p.features[3][2] = std::numeric_limits<double>::quiet_NaN();
  testing::error_of(ErrorKind::not_finite, [&] { fit(p, 20); });
}

}  // namespace
}  // namespace smlp
