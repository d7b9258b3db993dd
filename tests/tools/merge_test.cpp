// `smlp export --merge` as a user meets it.
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Words;
namespace fs = std::filesystem;
using testing::operator+;

class MergeTest : public testing::ProgramFixture {
 protected:
  // Two epochs of a small model.
  void train_small(const std::string& name, const std::string& model) {
    const Finished done = run(Words{"train", "--config", "cifar10_b_mlp.yaml", "--set", "model=" + model,
                                    "--data", data(), "--epochs", "2", "-b", "50"} +
                              placed(name));
    ASSERT_EQ(done.code, 0) << done.err;
  }

  nlohmann::json evaluated(const fs::path& path) {
    const Finished done =
        run({"eval", path, "--data", data(), "--json", "--device", "cpu", "--precision", "fp32"});
    EXPECT_EQ(done.code, 0) << done.err;
    return nlohmann::json::parse(done.out);
  }

  // Parameters and MACs that `smlp info` counts.
  std::pair<double, double> counted(const fs::path& path) {
    const Finished done = run({"info", path});
    std::smatch found;
    EXPECT_TRUE(std::regex_search(done.out, found, std::regex("\nall +([0-9]+) +([0-9]+)"))) << done.err;
    return {std::stod(found[1]), std::stod(found[2])};
  }
};

TEST_F(MergeTest, TheMergedModelIsEvaluatedCountedFineTunedAndExportedLikeAnyOther) {
  for (const auto& [name, model] :
       {std::pair("rep",
                  "{name: repmlp, patch_size: 4, blocks: [1, 1], channels: [8, 16], share_sets: [2, 4]}"),
        {"b", "{name: b_mlp, depth: 2, width: 16, norm: batch}"}}) {
    SCOPED_TRACE(name);
    train_small(name, model);
    const fs::path merged = in(std::string("merged-") + name), again = in(std::string("again-") + name);
    const Finished done = run({"export", run_folder(name), "--merge", "--to", merged});
    ASSERT_EQ(done.code, 0) << done.err;
    const double loss = evaluated(run_folder(name))["loss"];
    EXPECT_NEAR(evaluated(merged)["loss"].get<double>(), loss, 1e-5 * loss);
    EXPECT_LT(counted(merged).second, counted(run_folder(name)).second);

    ASSERT_EQ(run({"export", merged, "--to", again}).code, 0);
    EXPECT_EQ(testing::read_text(again / "model.safetensors"),
              testing::read_text(merged / "model.safetensors"));
    EXPECT_EQ(testing::read_text(again / "config.json"), testing::read_text(merged / "config.json"));
    EXPECT_EQ(run(Words{"finetune", merged, "--data", data(), "--epochs", "1"} +
                  placed(std::string("tuned-") + name))
                  .code,
              0);
    const Finished twice = run({"export", merged, "--merge", "--to", in("no")});
    EXPECT_EQ(twice.code, 2);
    EXPECT_NE(twice.err.find("cannot be merged"), std::string::npos) << twice.err;
    EXPECT_FALSE(fs::exists(in("no")));
  }
}

// Names and shapes say all but the image's size: without its config.json a merged file is its model too.
TEST_F(MergeTest, WithoutItsDescriptionAMergedFileIsTakenForWhatItIs) {
  train_small("rep", "{name: repmlp, patch_size: 4, blocks: [1, 1], channels: [8, 16], share_sets: [2, 4]}");
  ASSERT_EQ(run({"export", run_folder("rep"), "--merge", "--format", "pt", "--to", in("merged")}).code, 0);
  const auto described = counted(in("merged"));
  fs::remove(in("merged/config.json"));
  ASSERT_EQ(run({"import", in("merged/model.pt"), "--family", "cifar10", "--to", in("imported")}).code, 0);
  const Finished shown = run({"config", "show", in("imported")});
  EXPECT_NE(shown.out.find("merged: true"), std::string::npos) << shown.out;
  EXPECT_EQ(counted(in("imported")), described);
}

}  // namespace
}  // namespace smlp
