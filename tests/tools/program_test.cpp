// The binary, driven as a user drives it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "smlp/formats/npy.hpp"
#include "smlp/formats/safetensors.hpp"
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::expect_same_run;
using testing::Finished;
using testing::Program;
using testing::timeless_metrics;
using testing::Words;
using testing::operator+;

class ProgramTest : public testing::ProgramFixture {};

TEST_F(ProgramTest, PackTrainResumeEvalInfoAndRunsWorkTogether) {
  Finished done = run(train("a"));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("last  epoch 4 +top1 +[0-9.]+ %  top5"))) << done.out;
  EXPECT_NE(done.out.find("chosen on test data"), std::string::npos);
  EXPECT_NE(done.err.find("parameters"), std::string::npos);
  for (const char* file : {"config.yaml", "env.json", "metrics.jsonl", "summary.csv", "log.txt",
                           "checkpoints/last/state.json", "checkpoints/best/state.json"})
    EXPECT_TRUE(fs::exists(run_folder("a") / file)) << file;
  EXPECT_EQ(testing::read_text(run_folder("a") / "summary.csv").substr(0, 58),
            "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr,score\n1,");

  // Its own config.yaml repeats the run; one that exists is not overwritten.
  done = run({"train", "--config", run_folder("a") / "config.yaml", "--name", "b"});
  ASSERT_EQ(done.code, 0) << done.err;
  expect_same_run(run_folder("a"), run_folder("b"));
  EXPECT_EQ(run(train("a")).code, 2);

  // More epochs, by resuming a finished run, equal a longer run.
  done = run(train("a", {"--resume", "auto", "--set", "train.eval_every=2"}));
  EXPECT_EQ(done.code, 0) << done.err;
  done = run({"train", "--resume", run_folder("a"), "--epochs", "5"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("last  epoch 5"), std::string::npos) << done.out;
  EXPECT_EQ(run({"train", "--resume", run_folder("a"), "--lr", "0.1"}).code, 2)
      << "another learning rate is another run";

  done = run({"eval", run_folder("b"), "--json", "--logits", in("logits.npy")});
  ASSERT_EQ(done.code, 0) << done.err;
  const auto json = nlohmann::json::parse(done.out);
  const auto last_line = nlohmann::json::parse(
      timeless_metrics(run_folder("b")).substr(timeless_metrics(run_folder("b")).rfind("\n{") + 1));
  EXPECT_EQ(json["top1"], last_line["top1"]) << "eval repeats the run's last evaluation";
  EXPECT_EQ(json["images"], 100);
  EXPECT_EQ(json["classes"].size(), 10u);
  EXPECT_EQ(NpyFile(in("logits.npy")).header().shape, (std::vector<std::int64_t>{100, 10}));
  done = run({"eval", run_folder("b"), "--data", data() / "train"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("500 images"), std::string::npos) << done.out;

  done = run({"runs", in("runs")});
  EXPECT_EQ(done.code, 0);
  EXPECT_NE(done.out.find("4/4"), std::string::npos) << done.out;
  EXPECT_EQ(run({"info", run_folder("b")}).code, 0);
}

TEST_F(ProgramTest, ARunsConfigurationOnOtherDataResolvesAnewAndSaysSo) {
  ASSERT_EQ(run(train("first", {}, "1")).code, 0);
  const std::string config = testing::read_text(run_folder("first") / "config.yaml");
  for (const char* asked : {"workers: -1", "mean: []", "resolved:\n  device: cpu\n  precision: fp32"})
    EXPECT_NE(config.find(asked), std::string::npos) << "lacks " << asked << ": " << config;
  const Finished other = run({"train", "--config", run_folder("first") / "config.yaml", "--data", "shapes",
                              "--name", "other", "--set", "data.per_class=20"});
  ASSERT_EQ(other.code, 0) << other.err;
  EXPECT_TRUE(std::regex_search(other.err, std::regex("auto .* mean 0.4156 .*, there mean 0.4914")))
      << other.err;
  EXPECT_NE(other.err.find("(the pack's own)"), std::string::npos) << other.err;
  EXPECT_TRUE(std::regex_search(other.err, std::regex("normalise  mean 0.4156"))) << other.err;
}

TEST_F(ProgramTest, BrainFloatTrainsWithMasterWeightsInFloat) {
  const Finished done =
      run({"train",  "--config", "cifar10_s_mlp.yaml", "--data", data(),          "--output", in("runs"),
           "--name", "bf16",     "--device",           "cpu",    "--precision",   "bf16",     "--epochs",
           "2",      "--set",    "model.width=16",     "--set",  "model.depth=2", "--opt",    "adamw"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("precision  bf16"), std::string::npos) << done.err;
  const SafetensorsFile weights(run_folder("bf16") / "checkpoints/last/model.safetensors");
  for (const SafetensorsEntry& entry : weights.entries()) EXPECT_EQ(entry.dtype, "F32") << entry.name;
}

TEST_F(ProgramTest, RealCifar10PacksAndTrainsForAnEpoch) {
  const char* archive = std::getenv("SMLP_TEST_DATA");
  if (archive == nullptr) GTEST_SKIP() << "SMLP_TEST_DATA names no archive of CIFAR-10's images";
  Finished done = run({"pack", "folder", "--from", archive, "--to", in("cifar10")});
  ASSERT_EQ(done.code, 0) << done.err;
  done = run({"train",
              "--config",
              "cifar10_b_mlp.yaml",
              "--data",
              in("cifar10"),
              "--output",
              in("runs"),
              "--name",
              "real",
              "--epochs",
              "1",
              "--device",
              "cpu",
              "--precision",
              "fp32",
              "--set",
              "model.width=64",
              "--set",
              "model.depth=2",
              "--set",
              "data.normalize=cifar",
              "--lr",
              "2e-4"});
  ASSERT_EQ(done.code, 0) << done.err;
  std::smatch top1;
  ASSERT_TRUE(std::regex_search(done.out, top1, std::regex("last .* top1 +([0-9.]+) %  top5"))) << done.out;
  EXPECT_GT(std::stod(top1[1]), 40) << "plain PyTorch reaches 43 to 45";
}

// 12 million images of 64×64: 147 GB that are not there, so only the pages that are read take memory.
void make_huge_pack(const fs::path& root, const fs::path& like) {
  constexpr std::int64_t images = 12'000'000, size = 64;
  const fs::path split = root / "train";
  fs::create_directories(split);
  const auto sparse = [&](const char* name, const char* dtype, const std::vector<std::int64_t>& shape,
                          std::int64_t item) {
    const std::string header = npy_header_bytes(dtype, shape);
    for (const std::int64_t extent : shape) item *= extent;
    std::ofstream(split / name, std::ios::binary) << header;
    fs::resize_file(split / name, header.size() + static_cast<std::uintmax_t>(item));
  };
  sparse("images.npy", "|u1", {images, size, size, 3}, 1);
  sparse("labels.npy", "<i8", {images}, 8);
  auto info = nlohmann::json::parse(testing::read_text(like / "train/dataset.json"));
  info["images"] = images;
  info["image_size"] = size;
  info.erase("labels_xxh3_64");
  const std::int64_t block = info["block_bytes"];
  info["xxh3_64"] =
      std::vector<std::string>((images * size * size * 3 + block - 1) / block, std::string(16, '0'));
  std::ofstream(split / "dataset.json") << info;
  std::ofstream(split / "names.txt");
  fs::copy(like / "test", root / "test");
}

TEST_F(ProgramTest, ASetLargerThanMemoryTrainsInLittleMemory) {
  make_huge_pack(in("huge"), data());
  Program program(folder_.path(), {SMLP_PROGRAM,  "train",
                                   "--config",    "cifar10_b_mlp.yaml",
                                   "--data",      in("huge"),
                                   "--output",    in("runs"),
                                   "--name",      "huge",
                                   "--device",    "cpu",
                                   "--precision", "fp32",
                                   "-b",          "64",
                                   "--set",       "model.width=16",
                                   "--set",       "model.depth=1",
                                   "--set",       "data.image_size=64",
                                   "--set",       "train.log_every=10"});
  std::int64_t peak = 0;
  while (program.running() && testing::read_text(run_folder("huge") / "metrics.jsonl").empty()) {
    peak = std::max(peak, program.anonymous_kib());
    usleep(2000);
  }
  program.signal(SIGTERM);
  const Finished stopped = program.wait();
  EXPECT_EQ(stopped.code, 128 + SIGTERM) << stopped.err;
  EXPECT_LT(peak, 2 << 20) << "KiB of anonymous memory";
  EXPECT_GT(peak, 1 << 10);
}

TEST_F(ProgramTest, SeedsAreSummedUp) {
  const Finished done =
      run({"train", "--config", "cifar10_b_mlp.yaml", "--data", data(), "--output", in("runs"), "--name", "s",
           "--epochs", "1", "--set", "model.width=8", "--set", "model.depth=1", "--seeds", "0,1"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("seeds 0,1: last top1 [0-9.]+ ± [0-9.]+ %")))
      << done.out;
  EXPECT_TRUE(fs::exists(run_folder("s-seed0")) && fs::exists(run_folder("s-seed1")));
}

TEST_F(ProgramTest, APackIsVerifiedTabledAndDrawn) {
  Finished done = run({"pack", "--verify", data()});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("train +500 images, 10 classes, .*: as packed\n")))
      << done.out;
  done = run({"info", data(), "--sheet", in("sheet.png")});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("images +500 +100\n"))) << done.out;
  EXPECT_EQ(testing::read_text(in("sheet.png")).substr(1, 3), "PNG");
}

TEST_F(ProgramTest, EveryMistakeHasItsExitCodeAndSaysWhatToDo) {
  struct Case {
    Words words;
    int code;
    std::string says;
  };
  const std::vector<Case> cases{
      {{"trian"}, 2, "did you mean 'train'"},
      {{"train"}, 2, "--config"},
      {{"train", "--config", "quickstrat.yaml"}, 2, "did you mean 'quickstart.yaml'"},
      {{"train", "--config", "quickstart.yaml", "--set", "train.epocs=1"}, 2, "did you mean 'epochs'"},
      {{"train", "--config", "quickstart.yaml", "--epochs", "0"}, 2, "≥ 1"},
      {{"train", "--config", "quickstart.yaml", "--epochs"}, 2, "--epochs"},
      {{"train", "--config", "quickstart.yaml", "--data", in("nowhere")}, 3, "nowhere"},
      {{"train", "--config", "quickstart.yaml", "--resume", in("nowhere")}, 3, "no checkpoint"},
      {{"train", "--config", "quickstart.yaml", "--device", "cuda"}, 1, "CUDA"},
      {{"eval", in("nowhere")}, 3, "no checkpoint"},
      {{"fetch", "mnist"}, 2, "tiny-imagenet"},
      {{"fetch", "cifar10", "--from", "ftp://127.0.0.1"}, 2, "no mirror"},
      {{"pack", "cifar11", "--from", in("x"), "--to", in("y")}, 2, "cifar10"},
      {{"pack", "cifar10", "--from", in("x"), "--to", in("y")}, 3, "x"},
      {{"pack", "cifar10", "--from", *shared_ / "raw", "--to", data()}, 3, "pack"},
      {{"pack", "cifar10", "--from", in("x")}, 2, "--to"},
      {{"pack", "cifar10", "--verify", in("x")}, 2, "--verify"},
      {{"pack", "--verify", in("nowhere")}, 3, "no dataset.json"},
      {{"info", in("")}, 3, "a folder without run"},
      {{"info", "b_mlp", "--sheet", in("sheet.png")}, 3, "no packed data set"},
      {{"runs", in("nowhere")}, 3, "no such file or folder"},
      {{"info"}, 2, "--system"},
      {{"info", "c_mlp"}, 2, "b_mlp"},
      {{"config", "show", "nope.yaml"}, 2, "shipped"},
  };
  for (const Case& c : cases) {
    const Finished done = run(c.words);
    EXPECT_EQ(done.code, c.code) << c.words[0] << ": " << done.err;
    EXPECT_NE(done.err.find(c.says), std::string::npos) << "lacks '" << c.says << "': " << done.err;
    EXPECT_EQ(done.out, "") << c.words[0];
  }
}

TEST_F(ProgramTest, DescriptionsCoverModelsSystemKeysAndCosts) {
  Finished done = run({"info", "B_12-Wi_1024_res_64_in21k", "--classes", "11230"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("(depth 12, width 1024) at 64x64, 11230 classes, 125M parameters"),
            std::string::npos)
      << done.out;
  EXPECT_LT(done.out.find("124807168"), done.out.find("linear_in")) << "totals come first: " << done.out;
  done = run({"info", "--system"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("2.11"), std::string::npos) << done.out;
  done = run({"config", "keys", "s_mlp"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("model.block_order"), std::string::npos);
  done = run({"config", "show", "in21k_b12.yaml", "--epochs", "7"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("epochs: 7 +# --epochs 7"))) << done.out;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("precision: tf32 +# .*paper_pretrain.yaml:")))
      << done.out;
  done = run({"train", "--config", "in21k_b12.yaml", "--device", "cpu", "--set",
              "data.root=" + data().string(), "--dry-run"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("memory"), std::string::npos) << done.out;
}

}  // namespace
}  // namespace smlp
