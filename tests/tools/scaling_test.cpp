// `smlp scaling`: from runs or a table to laws, files, figures and a plan.
#include <spdlog/fmt/fmt.h>

#include <cmath>

#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Words;
using testing::operator+;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

class ScalingTest : public testing::ProgramFixture {
 protected:
  // E = 0.3 + 20 P^-0.35 + 30 (N T)^-0.4 of five sizes, three numbers of images and two of epochs.
  std::string table() const {
    std::string text = "model,parameters,macs,images,epochs,top1\n";
    for (const double p : {4e5, 1e6, 2.5e6, 6e6, 2e7})
      for (const double n : {1e4, 3e4, 1e5})
        for (const double t : {10.0, 30.0})
          text += fmt::format("B,{},{},{},{},{}\n", p, p, n, t,
                              100 * (0.7 - 20 * std::pow(p, -0.35) - 30 * std::pow(n * t, -0.4)));
    testing::write_plainly(in("t.csv"), text);
    return in("t.csv");
  }
};

TEST_F(ScalingTest, AFitWritesWhatAPlanReads) {
  const Finished fit =
      run({"scaling", "fit", table(), "--error", "top1", "--resamples", "20", "--to", in("fit")});
  ASSERT_EQ(fit.code, 0) << fit.err;
  EXPECT_NE(fit.out.find("30 points of 30 trainings"), std::string::npos) << fit.out;
  const Json json = Json::parse(testing::read_text(in("fit/fit.json")));
  EXPECT_NEAR(json["joint"]["coefficients"]["alpha"]["value"], 0.35, 1e-4);
  EXPECT_EQ(json["error"]["refits"].size(), 20u);
  for (const char* name : {"points.csv", "frontier.csv", "error_curve.csv", "error.gp", "sizes.gp",
                           "parameters.gp", "images.gp"})
    EXPECT_TRUE(fs::exists(in("fit") / name)) << name;
  const Finished again = run({"scaling", "fit", in("fit"), "--resamples", "20", "--json", "--to", in("fit")});
  EXPECT_EQ(Json::parse(again.out)["joint"], json["joint"]) << "its own points give the same laws";

  const Finished plan = run({"scaling", "plan", "--compute", "1e15", "--from", in("fit")});
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_NE(plan.out.find("images_seen"), std::string::npos) << plan.out;

  const Finished step = run({"bench", "step", "--model", "B-2/64", "--classes", "10", "-b", "64", "--repeats",
                             "3", "--device", "cpu", "--json"});
  ASSERT_EQ(step.code, 0) << step.err;
  testing::write_plainly(in("step.json"), step.out);
  const Json row = Json::parse(step.out)["rows"][0];
  const double rate = 3.0 * row["macs"].get<double>() * row["images_per_s"].get<double>();
  const Finished timed = run({"scaling", "plan", "--compute", fmt::format("{}", 7200 * rate), "--from",
                              in("fit"), "--bench", in("step.json")});
  EXPECT_EQ(timed.code, 0) << timed.err;
  EXPECT_NE(timed.out.find("2 h on " + row["processor"].get<std::string>()), std::string::npos) << timed.out;
  EXPECT_EQ(
      run({"scaling", "plan", "--compute", "1e15", "--from", in("fit"), "--bench", in("fit/fit.json")}).code,
      3);
}

TEST_F(ScalingTest, WithoutGnuplotTheScriptsAreThereAndSaid) {
  const Finished fit =
      run({"scaling", "fit", table(), "--error", "top1", "--resamples", "0", "--to", in("fit")},
          {{"PATH", "/nowhere"}});
  EXPECT_EQ(fit.code, 0) << fit.err;
  EXPECT_NE(fit.err.find("gnuplot error.gp"), std::string::npos) << fit.err;
  EXPECT_TRUE(fs::exists(in("fit/error.gp")));
  EXPECT_FALSE(fs::exists(in("fit/error.svg")));
}

TEST_F(ScalingTest, EvaluationsOfRunsAtAConstantRateArePoints) {
  ASSERT_EQ(run(train("constant", {}, "3")).code, 0);
  ASSERT_EQ(run(train("cosine", {"--set", "schedule.name=cosine", "--set", "data.per_class=20"}, "2")).code,
            0);
  fs::create_directories(in("runs/none"));
  testing::write_plainly(in("runs/none/config.yaml"), "model: {width: 16}\n");
  fs::create_directories(in("runs/tuned"));
  testing::write_plainly(in("runs/tuned/config.yaml"), "init: {from: runs/constant}\n");
  const fs::path half = in("runs/half");
  fs::copy(in("runs/cosine"), half, fs::copy_options::recursive);
  std::string yaml = testing::read_text(half / "config.yaml");
  yaml.replace(yaml.find("epochs: 2"), 9, "epochs: 4");
  testing::write_plainly(half / "config.yaml", yaml);
  const Finished fit = run({"scaling", "fit", in("runs"), "--model", "b_mlp", "--resamples", "0", "--json"});
  ASSERT_EQ(fit.code, 0) << fit.err;
  EXPECT_NE(fit.err.find("runs/none: left out"), std::string::npos) << fit.err;
  EXPECT_NE(fit.err.find("left out: a run that starts from other weights"), std::string::npos) << fit.err;
  EXPECT_EQ(run({"scaling", "fit", in("runs"), "--model", "s_mlp"}).code, 3);
  EXPECT_NE(fit.err.find("half: left out: its rate is made for 4 epochs, and 2 are done"), std::string::npos)
      << fit.err;
  const Json points = Json::parse(fit.out)["points"];
  ASSERT_EQ(points.size(), 4u) << fit.out;
  EXPECT_EQ(points[0]["images"], 200) << "the smallest compute";
  EXPECT_EQ(points[3]["images"], 500);
  EXPECT_EQ(points[3]["epochs"], 3);
  EXPECT_NEAR(points[0]["compute"], 3 * 200 * 2 * double(points[0]["macs"]), 1);
}

TEST_F(ScalingTest, ALawIsOfOneDataSetAndOfRunsThatDidNotFail) {
  ASSERT_EQ(run(train("cifar", {}, "2")).code, 0);
  ASSERT_EQ(run(train("diverged", {"--set", "data.mean=[0,0,0]", "--set", "data.std=[1e-45,1e-45,1e-45]",
                                   "--set", "train.max_bad_steps=3"}))
                .code,
            4);
  Finished fit = run({"scaling", "fit", in("runs"), "--resamples", "0", "--json"});
  ASSERT_EQ(fit.code, 0) << fit.err;
  EXPECT_EQ(Json::parse(fit.out)["points"].size(), 2u);
  EXPECT_NE(fit.err.find("runs/diverged: left out: it failed: "), std::string::npos) << fit.err;
  ASSERT_EQ(run(Words{"train", "--model", "B-2/16", "--data", "shapes", "--epochs", "1", "--set",
                      "data.per_class=20"} +
                placed("shapes"))
                .code,
            0);
  fit = run({"scaling", "fit", in("runs"), "--resamples", "0", "--json"});
  EXPECT_EQ(fit.code, 3);
  EXPECT_NE(fit.err.find("different data sets: "), std::string::npos) << fit.err;
  EXPECT_NE(fit.err.find("1 of shapes"), std::string::npos) << fit.err;
  fit = run({"scaling", "fit", in("runs"), "--data", data(), "--resamples", "0", "--json"});
  EXPECT_EQ(Json::parse(fit.out)["points"].size(), 2u) << fit.err;
}

TEST_F(ScalingTest, RefusesWithTheReason) {
  EXPECT_EQ(run({"scaling"}).code, 2);
  EXPECT_EQ(run({"scaling", "fit", in("nowhere.csv")}).code, 3);
  EXPECT_EQ(run({"scaling", "plan", "--compute", "-1", "--from", in("fit")}).code, 2);
  for (const char* bad : {"nan", "inf", "0"})
    EXPECT_EQ(run({"scaling", "plan", "--compute", bad, "--from", in("fit")}).code, 2) << bad;
  EXPECT_EQ(run({"scaling", "fit", table(), "--error", "top1", "--epochs", "nan"}).code, 2);
  EXPECT_EQ(run({"scaling", "fit", table(), "--error", "top1", "--seed", "-1"}).code, 2);
  fs::create_directories(in("mine"));
  testing::write_plainly(in("mine/points.csv"), "mine");
  EXPECT_EQ(run({"scaling", "fit", table(), "--error", "top1", "--to", in("mine")}).code, 2);
  EXPECT_EQ(testing::read_text(in("mine/points.csv")), "mine");
  const Finished column = run({"scaling", "fit", table()});
  EXPECT_EQ(column.code, 3);
  EXPECT_NE(column.err.find("no column \"error\""), std::string::npos) << column.err;
  const Finished epochs = run({"scaling", "fit", table(), "--error", "top1", "--epochs", "7"});
  EXPECT_EQ(epochs.code, 3);
  EXPECT_NE(epochs.err.find("no points of 7 epochs"), std::string::npos) << epochs.err;
}

}  // namespace
}  // namespace smlp
