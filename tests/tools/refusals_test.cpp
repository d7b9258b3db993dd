// What the program says to somebody who comes from another one.
#include <signal.h>
#include <unistd.h>

#include "smlp/core/error.hpp"
#include "smlp/formats/png.hpp"
#include "support/images.hpp"
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
namespace fs = std::filesystem;
using testing::Words;
using testing::operator+;

class RefusalsTest : public testing::ProgramFixture {
 protected:
  void expect_refused(const Words& words, const std::string& says, int code = 2) {
    const Finished done = run(words);
    EXPECT_EQ(done.code, code) << words.back() << ": " << done.err;
    EXPECT_NE(done.err.find(says), std::string::npos) << "lacks '" << says << "': " << done.err;
    EXPECT_EQ(done.out, "");
  }
};

TEST_F(RefusalsTest, AnUnknownOptionIsTakenForWhatItMeansThenForItsSpelling) {
  const std::vector<std::pair<Words, std::string>> cases{
      {{"--bs", "64"}, "did you mean '--batch-size'"},
      {{"--batch_size=64"}, "did you mean '--batch-size'"},
      {{"--epoch", "3"}, "did you mean '--epochs'"},
      {{"--learning-rate", "0.1"}, "did you mean '--lr'"},
      {{"--lr-scheduler", "cosine"}, "did you mean '--set schedule.name=…'"},
      {{"--wd", "0.1"}, "did you mean '--weight-decay'"},
      {{"--num-workers", "4"}, "did you mean '--workers'"},
      {{"--gpu", "0"}, "did you mean '--device cuda'"},
      {{"--amp"}, "did you mean '--precision bf16'"},
      {{"--img-size", "32"}, "did you mean '--set data.image_size=…'"},
      {{"--clip-grad", "1"}, "did you mean '--set optim.clip_norm=…'"},
      {{"--betas", "0.9"}, "did you mean '--set optim.betas=…'"},
      {{"--optim.lr", "0.1"}, "did you mean '--lr'"},
      {{"--dryrun"}, "did you mean '--dry-run'"},
      {{"optim.lr=0.1"}, "did you mean '--set optim.lr=0.1'"},
  };
  for (const auto& [words, says] : cases) expect_refused(Words{"train", "quickstart.yaml"} + words, says);
  expect_refused({"eval", "x", "--num-workers", "4"}, "did you mean '--workers'");
  expect_refused({"info", "x", "--img-size", "4"}, "'--image-size'");
}

// A data set that was not packed yet, or is named from elsewhere.
TEST_F(RefusalsTest, ImagesThatAreNoPackAreToBePackedElsewhere) {
  fs::create_directories(in("images/cat"));
  testing::write_plainly(in("images/cat/a.jpg"), "x");
  expect_refused({"train", "--model", "B-2/16", "--data", in("images")},
                 "pack them elsewhere: `smlp pack folder --from " + in("images").string() + " --to ROOT`", 3);
  expect_refused({"train", "--model", "B-2/16", "--data", in("nowhere")}, "give --data ROOT, or make it", 3);
  expect_refused({"pack", "folder", "--from", in("images"), "--to", in("images") / ""},
                 "the packed set would lie among what it is made of");
}

// What it would cost was not measured.
TEST_F(RefusalsTest, AStoppedDryRunSaysNoTime) {
  testing::Program planning(folder_.path(), {SMLP_PROGRAM, "train", "--model", "B-6/1024", "--data", "shapes",
                                             "--device", "cpu", "--dry-run"});
  usleep(700'000);
  planning.signal(SIGTERM);
  const Finished stopped = planning.wait();
  EXPECT_EQ(stopped.code, 128 + SIGTERM) << stopped.err;
  EXPECT_EQ(stopped.out, "");
}

// Were it built, it would need 38 GB.
TEST_F(RefusalsTest, AModelThatCannotFitIsRefusedBeforeItIsBuilt) {
  const auto limited = [&](const std::string& more) {
    const std::string line =
        "ulimit -v 12000000; exec \"$0\" train --model b_mlp --data shapes --device cpu --precision fp32 "
        "--set model.width=8192 " +
        more;
    return testing::Program(folder_.path(), {"/bin/sh", "-c", line, SMLP_PROGRAM}).wait();
  };
  Finished done = limited("");
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_NE(done.err.find("11.4 GiB are all there is: take a smaller model"), std::string::npos) << done.err;
  done = limited("--dry-run");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("\nmemory     this run needs about"), std::string::npos) << done.out;
}

TEST_F(RefusalsTest, TheHelpThatIsPointedAtIsTheCommandsOwn) {
  expect_refused({"bench", "step", "--nope"}, "See `smlp bench step --help`");
  expect_refused({"bench", "stap"}, "did you mean 'step'");
  expect_refused({"config", "show"}, "See `smlp config show --help`");
  expect_refused({"export", "x", "--directory", "y"}, "--directory is no option of smlp export");
}

TEST_F(RefusalsTest, AnUnknownCommandIsTakenForWhatItMeansThenForItsSpelling) {
  for (const auto& [word, meant] :
       {std::pair("tune", "finetune"), std::pair("test", "eval"), std::pair("validate", "eval"),
        std::pair("ls", "runs"), std::pair("plot", "viz"), std::pair("bnech", "bench")})
    expect_refused({word}, std::string("did you mean '") + meant + "'");
  expect_refused({"sweep", "stauts", in("x")},
                 "'stauts' is no command of smlp sweep (did you mean 'status'?)");
}

TEST_F(RefusalsTest, AnUnknownKeyOrValueIsTakenForTheOneThatIsMeant) {
  const Words show{"config", "show", "quickstart.yaml", "--set"};
  expect_refused(show + Words{"lr=0.1"}, "unknown key 'lr' (did you mean 'optim.lr'?)");
  expect_refused(show + Words{"train.bs=8"}, "did you mean 'train.batch_size'");
  expect_refused(show + Words{"optim.momentum=0.9"}, "it needs optim.name=sgd");
  expect_refused(show + Words{"device.type=gpu"}, "did you mean 'cuda'");
  expect_refused(show + Words{"device.precision=fp16"}, "did you mean 'bf16'");
  expect_refused(show + Words{"optim.name=adam"}, "did you mean 'adamw'");
  const Finished done = run(show + Words{"train.epochs=3", "optim.lr=0.5"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("lr: 0.5"), std::string::npos) << "all that follow --set are set";
}

TEST_F(RefusalsTest, AnotherProgramsModelIsAnsweredWithTheModelsThereAre) {
  for (const Words& words : {Words{"train", "quickstart.yaml", "--model"}, Words{"info"}}) {
    expect_refused(words + Words{"efficientnet_b0"}, "B-12/1024");
    expect_refused(words + Words{"resnet51"}, "did you mean 'resnet50'?");
    expect_refused(words + Words{"mixer_b16"}, "did you mean 'mixer_b16_224'?");
  }
}

TEST_F(RefusalsTest, APathOfAnotherKindIsNamedWithWhatTakesIt) {
  ASSERT_EQ(run(train("a", {}, "1")).code, 0);
  const std::string run_path = run_folder("a").string();
  expect_refused({"train", data()}, "packed data set, which --data takes");
  expect_refused({"eval", data()}, "packed data set, which --data takes", 3);
  expect_refused({"finetune", run_path, data()}, "did you mean '--data " + data().string());
  expect_refused({"train", "quickstart.yaml", "--data", run_path}, "it is a run, which eval", 3);
  expect_refused({"import", run_path, "--to", in("x")}, "it is a run, which eval", 3);
  expect_refused({"eval", in("runs")}, "folder of runs: name one", 3);
  for (const char* command : {"eval", "config show", "train --resume"}) {
    const std::string line =
        fmt::format("cd '{}' && {} {} a", folder_.path().string(), SMLP_PROGRAM, command);
    const Finished done = testing::Program(folder_.path(), {"/bin/sh", "-c", line}).wait();
    EXPECT_NE(done.code, 0);
    EXPECT_NE(done.err.find("did you mean runs/a?"), std::string::npos) << done.err;
  }
  expect_refused({"eval", run_path, "--logits", in("l.pt")}, "call it FILE.npy");
  expect_refused({"predict", run_path, data(), "--features", in("f.pt")}, "call it FILE.npy");
  for (const char* command : {"info", "eval", "viz"})
    expect_refused({command, run_folder("a") / "log.txt"}, "file of the run " + run_path + ": give", 3);
  expect_refused({"probe", *shared_ / "raw", "--data", data()}, "a folder without run", 3);
  expect_refused({"train", "--config", run_folder("a") / "checkpoints/last/optimizer.safetensors"},
                 "file of the run");
}

TEST_F(RefusalsTest, WhatDoesNotFitWhatIsThereIsTheCallersMistake) {
  ASSERT_EQ(run(train("r", {}, "1")).code, 0);
  const std::filesystem::path r = run_folder("r");
  expect_refused({"export", r, "--to", r}, "already exists");
  expect_refused({"import", r / "checkpoints/last/model.safetensors", "--family", "cifar10", "--to", r},
                 "already exists");
  expect_refused({"fetch", "cifar10", "--to", r / "config.yaml"}, "it is no folder");
  expect_refused(Words{"finetune", r, "--data", data(), "--set", "model.depth=3"} + placed("f"),
                 "model.depth is 3, the weights' is 2");
  expect_refused({"import", r / "checkpoints/last/model.safetensors", "--family", "cifar10", "--weights",
                  "ema", "--to", in("i")},
                 "leave --weights ema out", 3);
  expect_refused({"export", r, "--merge", "--to", in("m")}, "its norm is layer");
}

// Found before there is a run that nothing can read.
TEST_F(RefusalsTest, ImagesThatNothingCanBeLearntFromLeaveNoRun) {
  const std::string grey = encode_png({8, 8, std::vector<std::uint8_t>(8 * 8 * 3, 64)});
  for (const char* name :
       {"one/train/a", "one/test/a", "flat/train/a", "flat/train/b", "flat/test/a", "flat/test/b"})
    testing::write_folder(in("raw"), {{fmt::format("{}/0.png", name), grey}});
  for (const char* set : {"one", "flat"})
    ASSERT_EQ(run({"pack", "folder", "--from", in("raw") / set, "--to", in(set)}).code, 0);
  expect_refused({"train", "--model", "B-2/16", "--data", in("one"), "--name", "x"}, "are of one class", 3);
  expect_refused(
      {"train", "--model", "B-2/16", "--data", in("flat"), "--name", "x", "--set", "data.normalize=pack"},
      "has the same value in all pixels", 3);
  expect_refused({"train", "quickstart.yaml", "--name", "checkpoints"}, "name it otherwise");
  EXPECT_FALSE(std::filesystem::exists(in("runs")));
}

TEST_F(RefusalsTest, BenchmarksRefuseWhatMeansNothingToThem) {
  expect_refused({"bench", "step", "--epochs", "3"}, "--epochs is no option of smlp bench step");
  expect_refused({"bench", "step", "--set", "train.epochs=3"}, "means nothing");
  expect_refused({"bench", "loader", "--set", "optim.lr=1"}, "means nothing");
  expect_refused({"bench", "loader"}, "--data shapes");
}

TEST_F(RefusalsTest, SeedsAreRangesAndATakenNameIsFoundBeforeTheFirstTrains) {
  ASSERT_EQ(run(train("s-seed2", {}, "1")).code, 0);
  expect_refused(train("s", {"--seeds", "0-2"}, "1"), "a run of this name exists");
  EXPECT_FALSE(std::filesystem::exists(run_folder("s-seed0")));
  expect_refused(train("t", {"--seeds", "4-1"}), "0-4");
  expect_refused(train("t", {"--seeds", "0-2,1"}), "a seed is said twice");
  expect_refused(train("t", {"--seeds", "0-2", "--resume", run_folder("s-seed2")}), "--resume auto");
  expect_refused(train("t", {"--seeds", "0-2", "--seed", "5"}), "say one of them");
  const Finished planned = run(train("t", {"--seeds", "3-12", "--dry-run"}));
  EXPECT_NE(planned.out.find("seeds      10 such runs: "), std::string::npos) << planned.out;
  const Finished one = run(train("t", {"--seeds", "3"}, "1"));
  EXPECT_EQ(one.out.find("±"), std::string::npos) << "of one there is no deviation: " << one.out;
}

}  // namespace
}  // namespace smlp
