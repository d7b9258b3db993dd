// The binary, driven as a user drives it.
#include "support/program.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>

#include "smlp/core/error.hpp"
#include "smlp/formats/npy.hpp"
#include "smlp/formats/safetensors.hpp"
#include "support/raw_data.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::Finished;
using testing::Program;
using Words = std::vector<std::string>;

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class ProgramTest : public ::testing::Test {
 protected:
  // One packed set of 500 training and 100 test images for all tests.
  static void SetUpTestSuite() {
    shared_ = new testing::TempDir;
    testing::write_cifar10(*shared_ / "raw", 100);
    const Finished packed = Program(shared_->path(), {SMLP_PROGRAM, "pack", "cifar10", "--from",
                                                      *shared_ / "raw", "--to", data()})
                                .wait();
    ASSERT_EQ(packed.code, 0) << packed.err;
  }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }
  static fs::path data() { return *shared_ / "pack"; }

  Finished run(const Words& words, const Program::Environment& environment = {}) {
    return Program(folder_.path(), Words{SMLP_PROGRAM} + words, environment).wait();
  }
  fs::path in(const std::string& name) const { return folder_ / name; }

  // A small run of 32 steps: four epochs of 500 images in batches of 64.
  Words train(const std::string& name, const Words& more = {}, const std::string& epochs = "4") const {
    return Words{"train",
                 "--config",
                 "cifar10_b_mlp.yaml",
                 "--data",
                 data(),
                 "--name",
                 name,
                 "--output",
                 in("runs"),
                 "--device",
                 "cpu",
                 "--precision",
                 "fp32",
                 "--epochs",
                 epochs,
                 "-b",
                 "64",
                 "--lr",
                 "1e-3",
                 "--mixup",
                 "0.8",
                 "--set",
                 "model.width=16",
                 "--set",
                 "model.depth=2",
                 "--set",
                 "train.log_every=3",
                 "--set",
                 "augment.flip=0.5",
                 "--set",
                 "device.threads=1"} +
           more;
  }
  Words resumable(const std::string& name, const Words& more = {}, const std::string& epochs = "4") const {
    return train(name, Words{"--set", "checkpoint.every_steps=5", "--resume", "auto"} + more, epochs);
  }
  fs::path run_folder(const std::string& name) const { return in("runs") / name; }

  testing::TempDir folder_;
  static testing::TempDir* shared_;
};
testing::TempDir* ProgramTest::shared_ = nullptr;

// The log of a run without what depends on the clock.
std::string timeless_metrics(const fs::path& run) {
  std::istringstream lines(testing::read_text(run / "metrics.jsonl"));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    auto json = nlohmann::ordered_json::parse(line);
    for (const char* key : {"images_per_s", "data_wait", "train_seconds"}) json.erase(key);
    text += json.dump() + "\n";
  }
  return text;
}

std::string timeless_log(const fs::path& run, const std::string& name) {
  std::string text = testing::read_text(run / "log.txt");
  text = std::regex_replace(text, std::regex("(^|\n)[0-9-]{10} [0-9:.]{12}"), "$1");
  return std::regex_replace(text, std::regex("runs/" + name), "runs/RUN");
}

void expect_same_run(const fs::path& a, const fs::path& b) {
  for (const std::string file :
       {"checkpoints/last/model.safetensors", "checkpoints/last/optimizer.safetensors", "summary.csv"})
    EXPECT_EQ(testing::read_text(a / file), testing::read_text(b / file)) << file << " of " << b;
  EXPECT_EQ(timeless_metrics(a), timeless_metrics(b));
  EXPECT_EQ(timeless_log(a, a.filename()), timeless_log(b, b.filename()));
}

TEST_F(ProgramTest, PackTrainResumeEvalInfoAndRunsWorkTogether) {
  Finished done = run(train("a"));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("last  epoch 4 +top1 +[0-9.]+ %  top5"))) << done.out;
  EXPECT_NE(done.out.find("chosen on test data"), std::string::npos);
  EXPECT_NE(done.err.find("parameters"), std::string::npos);
  for (const char* file : {"config.yaml", "env.json", "metrics.jsonl", "summary.csv", "log.txt",
                           "checkpoints/last/state.json", "checkpoints/best/state.json"})
    EXPECT_TRUE(fs::exists(run_folder("a") / file)) << file;
  EXPECT_EQ(testing::read_text(run_folder("a") / "summary.csv").substr(0, 53),
            "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr\n1," +
                testing::read_text(run_folder("a") / "summary.csv").substr(52, 1));

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

TEST_F(ProgramTest, RunsKilledInsideSavesResumeToTheSameEnd) {
  ASSERT_EQ(run(resumable("whole")).code, 0);
  for (const char* workers : {"0", "1", "2"}) {
    const std::string name = std::string("killed") + workers;
    int kills = 0;
    for (int at = 7;; at = at * 5 / 3) {
      const Finished done = run(resumable(name, {"--workers", workers}),
                                {{"LD_PRELOAD", SMLP_FAULT_SHIM}, {"FAULT_KILL_AT", std::to_string(at)}});
      if (done.code == 0) break;
      ASSERT_EQ(done.code, 128 + SIGKILL) << done.err;
      ++kills;
    }
    EXPECT_GE(kills, 3);
    expect_same_run(run_folder("whole"), run_folder(name));
  }
}

TEST_F(ProgramTest, AutoResumeFindsTheRunOfTheSameConfigurationAndData) {
  Words words = train("x", {"--set", "train.eval_every=0"});
  words.erase(std::find(words.begin(), words.end(), "--name"),
              std::find(words.begin(), words.end(), "--name") + 2);
  ASSERT_EQ(run(words).code, 0);
  const auto runs = [&] {
    return std::distance(fs::directory_iterator(in("runs")), fs::directory_iterator{});
  };
  ASSERT_EQ(runs(), 1);
  ASSERT_EQ(run(words + Words{"--resume", "auto"}).code, 0);
  EXPECT_EQ(runs(), 1) << "the finished run is found";
  ASSERT_EQ(run(words + Words{"--resume", "auto", "--seed", "5"}).code, 0);
  EXPECT_EQ(runs(), 2) << "another seed is another run";

  testing::write_cifar10(in("raw2"), 60);
  ASSERT_EQ(run({"pack", "cifar10", "--from", in("raw2"), "--to", in("pack2")}).code, 0);
  const fs::path first = fs::directory_iterator(in("runs"))->path();
  const Finished other = run({"train", "--resume", first, "--data", in("pack2")});
  EXPECT_EQ(other.code, 3);
  EXPECT_NE(other.err.find("other images"), std::string::npos) << other.err;
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

TEST_F(ProgramTest, SignalsAtAnyStepResumeToTheSameEnd) {
  const Words more{"--set", "train.micro_batch=16", "--set", "train.eval_every=10"};
  const auto words = [&](const std::string& name) { return resumable(name, more, "40"); };
  ASSERT_EQ(run(words("whole")).code, 0);
  struct Case {
    int signal;
    std::uintmax_t log_bytes;  // sent when metrics.jsonl has so many
  };
  for (const Case& c : {Case{SIGTERM, 1}, Case{SIGINT, 2000}, Case{SIGKILL, 500}, Case{SIGKILL, 5000}}) {
    const std::string name = fmt::format("stopped{}-{}", c.signal, c.log_bytes);
    Program program(folder_.path(), Words{SMLP_PROGRAM} + words(name));
    const fs::path metrics = run_folder(name) / "metrics.jsonl";
    while (program.running() && (!fs::exists(metrics) || fs::file_size(metrics) < c.log_bytes)) usleep(500);
    program.signal(c.signal);
    const Finished stopped = program.wait();
    ASSERT_EQ(stopped.code, 128 + c.signal) << stopped.err;
    EXPECT_EQ(stopped.err.find("--resume") != std::string::npos, c.signal != SIGKILL) << stopped.err;
    const Finished resumed = run(words(name));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    expect_same_run(run_folder("whole"), run_folder(name));
  }
}

TEST_F(ProgramTest, ANonFiniteRunStopsWithFourAndKeepsItsLastFiniteCheckpoint) {
  ASSERT_EQ(run(train("nan", {"--epochs", "1"})).code == 2, true) << "a key given twice is refused";
  Words healthy = train("nan");
  ASSERT_EQ(run(healthy).code, 0);
  const std::string weights = testing::read_text(run_folder("nan") / "checkpoints/last/model.safetensors");
  // The same run goes on over images that overflow to infinity.
  const Finished broken = run({"train", "--resume", run_folder("nan"), "--epochs", "9", "--set",
                               "data.mean=[0,0,0]", "--set", "data.std=[1e-45,1e-45,1e-45]"});
  EXPECT_EQ(broken.code, 2) << "other normalisation is another run";
  const Finished nan = run(train("bad", {"--set", "data.mean=[0,0,0]", "--set",
                                         "data.std=[1e-45,1e-45,1e-45]", "--set", "train.max_bad_steps=3"}));
  EXPECT_EQ(nan.code, 4) << nan.err;
  EXPECT_NE(nan.err.find("not finite in 3 steps"), std::string::npos) << nan.err;
  EXPECT_EQ(testing::read_text(run_folder("nan") / "checkpoints/last/model.safetensors"), weights);
}

TEST_F(ProgramTest, AFullDiskFailsTheSaveAndKeepsTheLastCheckpoint) {
  const Finished full =
      run(resumable("full"), {{"LD_PRELOAD", SMLP_FAULT_SHIM}, {"FAULT_FULL_AFTER", "1200000"}});
  EXPECT_EQ(full.code, 1) << full.err;
  EXPECT_NE(full.err.find("No space left"), std::string::npos) << full.err;
  const Finished eval = run({"eval", run_folder("full")});
  EXPECT_EQ(eval.code, 0) << eval.err;
  ASSERT_EQ(run(resumable("whole")).code, 0);
  ASSERT_EQ(run(resumable("full")).code, 0);
  expect_same_run(run_folder("whole"), run_folder("full"));
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

TEST_F(ProgramTest, KeptEpochsStayAndOthersGo) {
  ASSERT_EQ(run(train("kept", {"--set", "checkpoint.keep_epochs=[1]", "--set", "checkpoint.keep_last=1",
                               "--set", "checkpoint.keep_best=0"}))
                .code,
            0);
  Words names;
  for (const auto& entry : fs::directory_iterator(run_folder("kept") / "checkpoints"))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (Words{"last", "step-000000008", "step-000000032"}));
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

TEST_F(ProgramTest, TwoProcessesNeverWriteOneRun) {
  Program first(folder_.path(), Words{SMLP_PROGRAM} + train("one", {"--set", "train.eval_every=0", "--set",
                                                                    "checkpoint.every_epochs=1"}));
  while (first.running() && !fs::exists(run_folder("one") / "metrics.jsonl")) usleep(500);
  testing::TempDir other;
  const Finished second =
      Program(other.path(),
              Words{SMLP_PROGRAM} + train("one", {"--resume", "auto", "--set", "train.eval_every=0", "--set",
                                                  "checkpoint.every_epochs=1"}))
          .wait();
  if (first.running()) {
    EXPECT_EQ(second.code, 1) << second.err;
    EXPECT_NE(second.err.find("being written by process"), std::string::npos) << second.err;
  }
  EXPECT_EQ(first.wait().code, 0);
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
      {{"pack", "cifar11", "--from", in("x"), "--to", in("y")}, 2, "cifar10"},
      {{"pack", "cifar10", "--from", in("x"), "--to", in("y")}, 3, "x"},
      {{"pack", "cifar10", "--from", *shared_ / "raw", "--to", data()}, 3, "pack"},
      {{"runs", in("nowhere")}, 3, "no such folder"},
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

TEST_F(ProgramTest, DamagedCheckpointsAreRefusedByName) {
  ASSERT_EQ(run(train("d", {"--set", "train.eval_every=0"})).code, 0);
  const fs::path checkpoint = fs::canonical(run_folder("d") / "checkpoints/last");
  const fs::path model = checkpoint / "model.safetensors";
  std::string bytes = testing::read_text(model);
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(model, std::ios::binary) << bytes;
  Finished done = run({"eval", checkpoint});
  EXPECT_EQ(done.code, 3);
  EXPECT_NE(done.err.find("model.safetensors: hash"), std::string::npos) << done.err;
  std::ofstream(checkpoint / "state.json") << "{}";
  done = run({"eval", checkpoint});
  EXPECT_EQ(done.code, 3);
  EXPECT_NE(done.err.find("state.json"), std::string::npos) << done.err;
}

TEST_F(ProgramTest, DescriptionsCoverModelsSystemKeysAndCosts) {
  Finished done = run({"info", "B_12-Wi_1024_res_64_in21k", "--classes", "11230"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("124807168"), std::string::npos) << done.out;
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
