// A run that keeps averaged weights and leaves steps out, by the commands that use it after.
#include <nlohmann/json.hpp>
#include <set>

#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Words;
using testing::operator+;
using Json = nlohmann::json;

class AveragesTest : public testing::ProgramFixture {
 protected:
  // 157 steps: the guard needs 128.
  static inline const Words options{"--set", "train.ema=0.9", "train.skip_zscore=0.01",
                                    "checkpoint.every_steps=50"};
  Words averaging(const std::string& name, const Words& more = {}) const {
    return train(name, options + more, "20");
  }

  std::vector<Json> rows(const std::string& name, const std::string& file) {
    std::istringstream lines(testing::read_text(run_folder(name) / file));
    std::vector<Json> found;
    for (std::string line; std::getline(lines, line);) found.push_back(Json::parse(line));
    return found;
  }
  double evaluated(const std::filesystem::path& path) {
    const Finished done =
        run({"eval", path, "--json", "--device", "cpu", "--precision", "fp32", "--data", data()});
    EXPECT_EQ(done.code, 0) << done.err;
    return Json::parse(done.out)["loss"];
  }
};

TEST_F(AveragesTest, AreEvaluatedExportedAndTunedByTheirFileAndStepsLeftOutAreListed) {
  const Finished trained = run(averaging("a"));
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("  averaged "), std::string::npos) << trained.err;
  const Json last = rows("a", "metrics.jsonl").back();
  const std::filesystem::path averages = run_folder("a") / "checkpoints/last/ema.safetensors";
  EXPECT_NEAR(evaluated(run_folder("a")), last["loss"].get<double>(), 1e-5);
  EXPECT_NEAR(evaluated(averages), last["ema_loss"].get<double>(), 1e-5);
  EXPECT_NE(last["loss"], last["ema_loss"]);

  ASSERT_EQ(run({"export", averages, "--to", in("exported")}).code, 0);
  EXPECT_NEAR(evaluated(in("exported")), last["ema_loss"].get<double>(), 1e-5);
  const Finished tuned =
      run(Words{"finetune", averages, "--data", data(), "--epochs", "1", "-b", "50"} + placed("t"));
  ASSERT_EQ(tuned.code, 0) << tuned.err;
  EXPECT_NE(tuned.err.find("ema.safetensors, "), std::string::npos) << tuned.err;

  const Finished missing = run({"eval", run_folder("t") / "checkpoints/last/ema.safetensors"});
  EXPECT_EQ(missing.code, 3) << missing.err;

  double skipped = 0;
  for (const Json& row : rows("a", "metrics.jsonl"))
    if (row["kind"] == "train")
      skipped += row["skipped_steps"].get<double>() + row["bad_steps"].get<double>();
  const std::vector<Json> listed = rows("a", "unapplied_steps.jsonl");
  EXPECT_GT(skipped, 1);
  EXPECT_EQ(listed.size(), skipped);
  for (const Json& step : listed) {
    const std::set<std::int64_t> images(step["images"].begin(), step["images"].end());
    EXPECT_EQ(images.size(), 64u) << step;
    EXPECT_LT(*images.rbegin(), 500);
    EXPECT_GT(step["step"], 128);
    EXPECT_TRUE(step["grad_norm"].is_number());
  }
}

TEST_F(AveragesTest, AnInterruptedRunGoesOnToTheSameAverages) {
  ASSERT_EQ(run(averaging("whole")).code, 0);
  const testing::Program::Environment killed{
      {"LD_PRELOAD", SMLP_FAULT_SHIM}, {"FAULT_AT_LOGGED", "12000"}, {"FAULT_SIGNAL", "9"}};
  const Words cut = averaging("cut", {"--resume", "auto"});
  ASSERT_EQ(run(cut, killed).code, 128 + 9);
  ASSERT_EQ(run(cut).code, 0);
  const std::filesystem::path whole = run_folder("whole"), resumed = run_folder("cut");
  testing::expect_same_run(whole, resumed);
  for (const char* file : {"checkpoints/last/ema.safetensors", "checkpoints/last/spike_guard.safetensors",
                           "unapplied_steps.jsonl"})
    EXPECT_EQ(testing::read_text(whole / file), testing::read_text(resumed / file)) << file;
}

}  // namespace
}  // namespace smlp
