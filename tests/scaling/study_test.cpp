#include "smlp/scaling/study.hpp"

#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "smlp/core/files.hpp"
#include "smlp/core/rng.hpp"
#include "smlp/scaling/study_json.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

ScalingPoint point(double parameters, double images, double epochs, double error, std::int64_t seed = 0) {
  return {"", parameters, parameters, images, epochs, seed, error};
}

// One size at twenty computes over five decades.
std::vector<ScalingPoint> law_points(double alpha, double noise, std::uint64_t seed) {
  RandomStream random(seed, Purpose::bootstrap, 1);
  std::vector<ScalingPoint> points;
  for (int i = 0; i < 20; ++i) {
    const double c = std::pow(10.0, 5.0 * i / 19);
    const double error = 0.8 * std::pow((c + 4) / 5, -alpha) + 0.1;
    points.push_back(point(1e6, 1e4 * c, 1, error * (1 + noise * random.normal())));
  }
  return points;
}

// Sizes, images and epochs with E = 0.3 + 20 P^-0.35 + 30 (N T)^-0.4.
std::vector<ScalingPoint> grid_points(double noise) {
  RandomStream random(3, Purpose::bootstrap, 1);
  std::vector<ScalingPoint> points;
  for (const double p : {4e5, 1e6, 2.5e6, 6e6, 2e7})
    for (const double n : {1e4, 3e4, 1e5})
      for (const double t : {10.0, 30.0})
        for (std::int64_t seed = 0; seed < 2; ++seed)
          points.push_back(point(
              p, n, t,
              (0.3 + 20 * std::pow(p, -0.35) + 30 * std::pow(n * t, -0.4)) * (1 + noise * random.normal()),
              seed));
  return points;
}

bool remarks_on(const Study& study, const std::string& words) {
  return std::any_of(study.remarks.begin(), study.remarks.end(),
                     [&](const std::string& each) { return each.find(words) != std::string::npos; });
}

TEST(ScalingStudy, TheIntervalHoldsTheTrueExponentNinetyTimesOfAHundred) {
  int held = 0;
  for (int i = 0; i < 100; ++i) {
    const double alpha = 0.15 + 0.005 * i;
    const Study study =
        study_scaling(law_points(alpha, 0.02, static_cast<std::uint64_t>(i)), {.resamples = 100});
    const Estimate& found = study.error->coefficients[2];
    if (found.low <= alpha && alpha <= found.high) ++held;
  }
  EXPECT_GE(held, 90);
}

TEST(ScalingStudy, FindsTheJointLawAndWhatItSaysOfTheBestSize) {
  const Study study = study_scaling(grid_points(0.005), {.resamples = 100});
  EXPECT_EQ(study.groups.size(), 30u);
  const auto holds = [](const Estimate& e, double value) { return e.low <= value && value <= e.high; };
  EXPECT_TRUE(holds(study.joint->coefficients[1], 0.35));
  EXPECT_TRUE(holds(study.joint->coefficients[3], 0.4));
  EXPECT_TRUE(holds(study.joint->coefficients[4], 0.3));
  EXPECT_NEAR(study.parameters->coefficients[1].value + study.seen->coefficients[1].value, 1, 1e-9)
      << "compute is their product";
  EXPECT_NEAR(study.macs->coefficients[1].value, 1, 1e-9);
  EXPECT_LT(study.held_out->relative_error, 0.05);
}

TEST(ScalingStudy, TheSamePointsAndSeedGiveTheSameIntervals) {
  const auto text = [](std::uint64_t seed) {
    const StudyOptions options{.resamples = 20, .seed = seed};
    return study_json(study_scaling(grid_points(0.01), options), options);
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

TEST(ScalingStudy, SaysWhatPointsCannotShow) {
  const StudyOptions few{.resamples = 50};
  const Study three = study_scaling({point(1, 1, 1, 0.5), point(1, 2, 1, 0.4), point(1, 4, 1, 0.3)}, few);
  EXPECT_FALSE(three.error || three.parameters || three.joint || three.held_out);
  EXPECT_TRUE(remarks_on(three, "the frontier has 3 different computes, 6 are the fewest"));
  EXPECT_TRUE(remarks_on(three, "no law of the best model size: one size"));
  EXPECT_TRUE(remarks_on(three, "no joint law E(P, N): 1 model sizes"));

  const std::vector<ScalingPoint> same(9, point(1, 1, 1, 0.5));
  EXPECT_TRUE(remarks_on(study_scaling(same, few), "1 different computes"));

  std::vector<ScalingPoint> straight;  // no bend, no floor
  for (int i = 0; i < 12; ++i) straight.push_back(point(1e6, std::pow(2, i), 1, std::pow(2, -0.3 * i)));
  const Study line = study_scaling(straight, few);
  EXPECT_NEAR(line.error->coefficients[2].value, 0.3, 1e-4);
  EXPECT_LT(line.error->coefficients[3].value, 1e-4);

  std::vector<ScalingPoint> short_span;
  RandomStream random(1, Purpose::bootstrap, 1);
  for (int i = 0; i < 12; ++i)
    short_span.push_back(
        point(1e6, 1e4 * std::pow(1.1, i), 1, (0.6 - 0.01 * i) * (1 + 0.005 * random.normal())));
  const Study near = study_scaling(short_span, few);
  EXPECT_TRUE(remarks_on(near, "spans a factor of"));
  EXPECT_TRUE(remarks_on(near, "these points do not determine alpha"));

  std::vector<ScalingPoint> level = grid_points(0);
  for (ScalingPoint& each : level) each.error = 1;
  const Study flat = study_scaling(level, few);
  EXPECT_FALSE(flat.error || flat.joint);
  EXPECT_TRUE(remarks_on(flat, "no law of the error: it is 1 everywhere"));

  const Study exact = study_scaling(grid_points(0), few);
  EXPECT_TRUE(exact.joint->fit.minimum.converged) << "points that lie on the law";
  EXPECT_NEAR(exact.joint->coefficients[1].value, 0.35, 1e-6);

  testing::error_of(ErrorKind::data, [&] { study_scaling({}, few); });
}

TEST(ScalingStudy, APlanFollowsTheFittedLaws) {
  const StudyOptions options{.resamples = 50};
  const Study study = study_scaling(grid_points(0.005), options);
  const FittedScaling laws = parse_study(study_json(study, options), "fit.json");
  const Plan plan = plan_training(laws, 1e15);
  EXPECT_NEAR(
      plan.parameters.value,
      study.parameters->coefficients[0].value * std::pow(1e15, study.parameters->coefficients[1].value),
      1e-3);
  EXPECT_NEAR(3 * plan.parameters.value * plan.images_seen.value / 1e15, 1, 1e-9) << "MACs = P here";
  EXPECT_LT(plan.error.low, plan.error.value);
  EXPECT_LT(plan.error.value, plan.error.high);
  EXPECT_LT(plan.error.value, study.best.back().error);
  EXPECT_NEAR(plan.beyond, 1e15 / study.best.back().compute(), 1e-6 * plan.beyond);
  EXPECT_EQ(plan_training(laws, study.best[1].compute()).beyond, 1);
  for (const double compute : {1.0, 1e300})
    EXPECT_NE(
        testing::error_of(ErrorKind::usage, [&] { plan_training(laws, compute); }).find("say nothing there"),
        std::string::npos);
}

// The rows of docs/results.md, without their intervals, from the points beside it.
TEST(ScalingStudy, TheMeasuredPointsGiveTheLawsOfTheResults) {
  const std::string docs = std::string(SMLP_SOURCE_DIR) + "/docs/";
  const std::string results = read_file(docs + "results.md", 1 << 20);
  for (const std::string error : {"upstream", "probe", "finetune"}) {
    const std::string file = docs + "scaling/" + error + ".csv";
    std::vector<ScalingPoint> points = parse_points(read_file(file, 1 << 20), file, "error").points;
    std::erase_if(points, [](const ScalingPoint& each) { return !each.model.starts_with("b_mlp"); });
    const Study study = study_scaling(points, {.resamples = 0});
    ASSERT_TRUE(study.error && study.parameters && study.seen && study.joint) << error;
    const auto value = [](const FittedLaw& law, const std::string& name) {
      return std::ranges::find(law.coefficients, name, &Estimate::name)->value;
    };
    const std::string row =
        fmt::format("| {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.3f} |", error, points.size(),
                    value(*study.error, "alpha"), value(*study.error, "e_inf"), value(*study.parameters, "p"),
                    value(*study.seen, "p"), value(*study.joint, "alpha"), value(*study.joint, "beta"));
    EXPECT_NE(results.find(row), std::string::npos) << row;
  }
}

TEST(ScalingStudy, RefitsThatOverflowDoNotCount) {
  const FittedScaling laws = parse_study(
      R"({"compute": [1e3, 1e6],
          "error": {"coefficients": {"a": {"value": 1}, "b": {"value": 0}, "alpha": {"value": 0.5}, "e_inf": {"value": 0}},
                    "refits": [[1, 0, 0.4, 0], [1, 0, 0.5, 0]]},
          "parameters": {"coefficients": {"k": {"value": 1}, "p": {"value": 0.5}}, "refits": [[0, 1e308], [2, 0.5]]},
          "macs": {"coefficients": {"k": {"value": 1}, "p": {"value": 1}}, "refits": [[1, 1], [1, 1]]}})",
      "fit.json");
  const Plan plan = plan_training(laws, 1e4);
  EXPECT_NEAR(plan.parameters.low, 200, 1e-9) << "0 · infinity is no number";
  EXPECT_NEAR(plan.parameters.high, 200, 1e-9);
}

TEST(ScalingStudy, RefusesAFileThatIsNoStudy) {
  const auto refusal = [](const std::string& text) {
    return testing::error_of(ErrorKind::data, [&] { parse_study(text, "f.json"); });
  };
  for (const char* text : {"", "[]", "{}", "{\"error\": 1}", "{\"error\": {\"coefficients\": []}}"})
    EXPECT_TRUE(refusal(text).starts_with("f.json: ")) << refusal(text);
  EXPECT_NE(refusal("{\"error\": null}").find("could not be fitted"), std::string::npos);
}

}  // namespace
}  // namespace smlp
