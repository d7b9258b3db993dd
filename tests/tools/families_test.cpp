// Every model family by the commands that train and use a model, as a user gives them.
#include <spdlog/fmt/fmt.h>

#include "smlp/models/registry.hpp"
#include "support/images.hpp"
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Words;
using testing::operator+;

class FamiliesTest : public testing::ProgramFixture {
 protected:
  void SetUp() override {
    testing::Files files;
    for (const char* split : {"train", "test"})
      for (int i = 0; i < 30; ++i)
        files.emplace_back(fmt::format("{}/{}/{}.png", split, i % 3, i), testing::png(16, 16, i));
    testing::write_folder(in("raw"), files);
    ASSERT_EQ(run({"pack", "folder", "--from", in("raw"), "--to", in("three")}).code, 0);
  }

  void expect_done(const Words& words) {
    const Finished done = run(words);
    EXPECT_EQ(done.code, 0) << words[0] << ": " << done.err;
  }

  Words small(const std::string& name, const std::string& epochs) const {
    return {"--data", in("three"),       "--name", name,          "--output", in("runs"), "--device",
            "cpu",    "--epochs",        epochs,   "--precision", "fp32",     "-b",       "10",
            "--set",  "device.threads=1"};
  }

  std::string weights(const std::string& name) const {
    return testing::read_text(run_folder(name) / "checkpoints/last/model.safetensors");
  }
};

TEST_F(FamiliesTest, EachIsTrainedGoneOnWithFineTunedProbedAndEvaluated) {
  for (const ModelFamily& family : model_table()) {
    const std::string name = family.name;
    SCOPED_TRACE(name);
    const Words config{
        "train", "--config",          "cifar10_b_mlp.yaml", "--set", "model={name: " + name + "}",
        "--set", "data.image_size=16"};
    expect_done(config + small(name, "2"));
    expect_done(config + small(name + "-part", "1"));
    expect_done(config + small(name + "-part", "2") + Words{"--resume", "auto"});
    EXPECT_TRUE(weights(name) == weights(name + "-part")) << "going on gives other weights";
    for (const char* command : {"finetune", "probe"})
      expect_done(Words{command, "--from", run_folder(name)} + small(name + "-" + command, "1"));
    expect_done({"eval", run_folder(name), "--tta", "2", "--shifts", "1"});
  }
}

}  // namespace
}  // namespace smlp
