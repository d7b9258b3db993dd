// Runs that an earlier version of the program left (tests/golden/runs; model.init_from was its name for
// init.from) go on, are evaluated and fine-tuned.
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Words;
using testing::operator+;
namespace fs = std::filesystem;

class EarlierVersionTest : public testing::ProgramFixture {
 protected:
  void SetUp() override {
    fs::copy(fs::path(SMLP_SOURCE_DIR) / "tests/golden/runs", in("runs"),
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }
};

TEST_F(EarlierVersionTest, ItsRunsGoOn) {
  for (const std::string name : {"pretrained", "finetuned"}) {
    const std::string before = testing::read_text(run_folder(name) / "metrics.jsonl");
    const Finished resumed = run({"train", "--resume", run_folder(name), "--epochs", "3"});
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_NE(resumed.err.find("at step 10"), std::string::npos) << resumed.err;
    const std::string after = testing::read_text(run_folder(name) / "metrics.jsonl");
    EXPECT_TRUE(after.starts_with(before)) << "the log goes on";
    EXPECT_TRUE(fs::exists(run_folder(name) / "checkpoints/step-000000015"));
  }
}

TEST_F(EarlierVersionTest, ItsRunsStandInTheTable) {
  const Finished done = run({"runs", in("runs"), "--columns", "run,status,command,epoch,last_top1"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("finetuned   finished  finetune  2/2        11.43\n"), std::string::npos)
      << done.out;
  EXPECT_NE(done.out.find("pretrained  finished  train     2/2        10.55\n"), std::string::npos)
      << done.out;
}

TEST_F(EarlierVersionTest, ItsWeightsAreEvaluatedAndFineTuned) {
  const Finished evaluated = run({"eval", run_folder("pretrained"), "--json"});
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_NEAR(nlohmann::json::parse(evaluated.out)["top1"].get<double>(), 10.55, 0.5)
      << "what it logged then";
  const Finished tuned =
      run({"finetune", "--from", run_folder("finetuned"), "--data", "shapes", "--epochs", "1", "--name",
           "again", "--output", in("runs"), "--device", "cpu", "--set", "data.per_class=10", "-b", "20"});
  ASSERT_EQ(tuned.code, 0) << tuned.err;
  EXPECT_NE(tuned.err.find("with its head of 10 classes"), std::string::npos)
      << "how the earlier run began is not how this one does: " << tuned.err;
}

}  // namespace
}  // namespace smlp
