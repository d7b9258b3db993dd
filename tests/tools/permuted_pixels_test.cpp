// A run on permuted pixels, by the commands that use it after.
#include <nlohmann/json.hpp>

#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Words;
using testing::operator+;

class PermutedPixelsTest : public testing::ProgramFixture {
 protected:
  nlohmann::json evaluated(const Words& words) {
    const Finished done =
        run(Words{"eval", "--json", "--device", "cpu", "--precision", "fp32", "--data", data()} + words);
    EXPECT_EQ(done.code, 0) << done.err;
    return nlohmann::json::parse(done.out);
  }
};

TEST_F(PermutedPixelsTest, EveryCommandShowsTheModelWhatItWasTrainedOn) {
  const Words permuted{"--set", "data.permute_pixels=7"};
  const Finished trained = run(train("p", permuted, "3"));
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("pixels     permuted by seed 7"), std::string::npos) << trained.err;
  ASSERT_EQ(run(train("more", permuted + Words{"--set", "data.workers=3"}, "3")).code, 0);
  const auto weights = [&](const std::string& name) {
    return testing::read_text(run_folder(name) / "checkpoints/last/model.safetensors");
  };
  EXPECT_TRUE(weights("p") == weights("more")) << "whatever the workers";

  const std::string summary = testing::read_text(run_folder("p") / "summary.csv");
  const std::string last =
      summary.substr(summary.rfind('\n', summary.size() - 2) + 1);  // epoch,train_loss,eval_loss,…
  const double loss = std::stod(last.substr(last.find(',', last.find(',') + 1) + 1));
  EXPECT_NEAR(evaluated({run_folder("p")})["loss"].get<double>(), loss, 1e-5);

  ASSERT_EQ(run({"export", run_folder("p"), "--to", in("exported")}).code, 0);
  ASSERT_EQ(run({"import", in("exported"), "--to", in("imported")}).code, 0);
  for (const auto& place : {in("exported"), in("imported")})
    EXPECT_NEAR(evaluated({place})["loss"].get<double>(), loss, 1e-5) << place;

  const Finished predicted = run({"predict", run_folder("p"), data(), "--json", "--device", "cpu"});
  const Finished predictions =
      run({"eval", run_folder("p"), "--data", data(), "--device", "cpu", "--predictions", "-"});
  ASSERT_EQ(predicted.code + predictions.code, 0) << predicted.err << predictions.err;
  const std::string first = predictions.out.substr(predictions.out.find('\n') + 1);
  const std::string top =
      nlohmann::json::parse(predicted.out.substr(0, predicted.out.find('\n')))["top"][0]["class"];
  EXPECT_NE(first.substr(0, first.find('\n')).find("," + top + ","), std::string::npos) << first;

  const Finished tuned = run(Words{"finetune", "--from", run_folder("p"), "--data", data(), "--name", "t",
                                   "--output", in("runs"), "--device", "cpu", "--epochs", "1", "-b", "50"});
  ASSERT_EQ(tuned.code, 0) << tuned.err;
  EXPECT_NE(tuned.err.find("pixels     permuted by seed 7"), std::string::npos) << tuned.err;
  EXPECT_EQ(tuned.err.find("when the weights were trained"), std::string::npos) << tuned.err;
  const Finished otherwise = run(Words{"finetune", run_folder("p"), "--data", data(), "--epochs", "1", "-b",
                                       "50", "--set", "data.permute_pixels=8"} +
                                 placed("o"));
  EXPECT_NE(
      otherwise.err.find("permuted by seed 8 here (data.permute_pixels), and were permuted by seed 7 when"),
      std::string::npos)
      << otherwise.err;
  EXPECT_NE(run({"info", run_folder("p")}).out.find("permuted by seed 7"), std::string::npos);
}

}  // namespace
}  // namespace smlp
