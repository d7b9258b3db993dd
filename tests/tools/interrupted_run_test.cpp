// Runs of the binary that are stopped, killed, starved or damaged, and what is left of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "smlp/core/error.hpp"
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::expect_same_run;
using testing::Finished;
using testing::Program;
using testing::Words;
using testing::operator+;

class InterruptedRunTest : public testing::ProgramFixture {
 protected:
  // An environment in which the program gets `signal` at its N-th durable call, or when N bytes of metrics
  // are logged.
  static Program::Environment fault(const char* where, int at, int signal) {
    return {{"LD_PRELOAD", SMLP_FAULT_SHIM},
            {where, std::to_string(at)},
            {"FAULT_SIGNAL", std::to_string(signal)}};
  }
};

TEST_F(InterruptedRunTest, RunsKilledInsideSavesResumeToTheSameEnd) {
  ASSERT_EQ(run(resumable("whole")).code, 0);
  for (const char* workers : {"0", "1", "2"}) {
    const std::string name = std::string("killed") + workers;
    int kills = 0;
    for (int at = 7;; at = at * 5 / 3) {
      const Finished done =
          run(resumable(name, {"--workers", workers}), fault("FAULT_AT_DURABLE", at, SIGKILL));
      if (done.code == 0) break;
      ASSERT_EQ(done.code, 128 + SIGKILL) << done.err;
      ++kills;
    }
    EXPECT_GE(kills, 3);
    expect_same_run(run_folder("whole"), run_folder(name));
  }
}

// 118 MB, of which one whole block is synced on the way.
TEST_F(InterruptedRunTest, APackStoppedOrKilledAnywhereContinuesToTheSameFiles) {
  const auto pack = [&](const std::string& name, const Words& more = {}) {
    return Words{SMLP_PROGRAM, "pack",   "cifar10", "--from", *shared_ / "raw",
                 "--to",       in(name), "--size",  "256",    "--continue"} +
           more;
  };
  ASSERT_EQ(Program(folder_.path(), pack("whole")).wait().code, 0);
  for (const int signal : {SIGKILL, SIGTERM}) {
    const std::string name = signal == SIGKILL ? "killed" : "stopped";
    int interrupted = 0;
    for (int at = 1;; ++at) {
      const Finished done = Program(folder_.path(), pack(name), fault("FAULT_AT_DURABLE", at, signal)).wait();
      if (done.code == 0) break;
      ASSERT_EQ(done.code, 128 + signal) << done.err;
      EXPECT_EQ(done.err.find("--continue") != std::string::npos, signal != SIGKILL) << done.err;
      ++interrupted;
    }
    EXPECT_GE(interrupted, signal == SIGKILL ? 5 : 1);
  }
  for (const char* name : {"killed", "stopped"})
    for (const char* file : {"train/images.npy", "train/labels.npy", "train/names.txt", "train/dataset.json",
                             "test/images.npy", "test/dataset.json"})
      EXPECT_TRUE(testing::read_text(in("whole") / file) == testing::read_text(in(name) / file))
          << name << " " << file;
}

TEST_F(InterruptedRunTest, AutoResumeFindsTheRunOfTheSameConfigurationAndData) {
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
  Words slashed = words;
  *std::ranges::find(slashed, data().string()) += "/";
  ASSERT_EQ(run(slashed + Words{"--resume", "auto"}).code, 0);
  EXPECT_EQ(runs(), 1) << "with a slash it is the same data set";
  ASSERT_EQ(run(words + Words{"--resume", "auto", "--seed", "5"}).code, 0);
  EXPECT_EQ(runs(), 2) << "another seed is another run";
  const Finished changed =
      run({"train", "--resume", fs::directory_iterator(in("runs"))->path(), "--opt", "sgd"});
  EXPECT_NE(changed.err.find("optim.name is sgd, the run was started with lion"), std::string::npos)
      << changed.err;
  EXPECT_EQ(changed.err.find("is not in"), std::string::npos) << changed.err;

  testing::write_cifar10(in("raw2"), 60);
  ASSERT_EQ(run({"pack", "cifar10", "--from", in("raw2"), "--to", in("pack2")}).code, 0);
  const fs::path first = fs::directory_iterator(in("runs"))->path();
  const Finished other = run({"train", "--resume", first, "--data", in("pack2")});
  EXPECT_EQ(other.code, 3);
  EXPECT_NE(other.err.find("other images"), std::string::npos) << other.err;
}

TEST_F(InterruptedRunTest, ARunThatIsMovedWhileItTrainsEndsAndGoesOnWhereItIs) {
  testing::Program training(
      folder_.path(), Words{SMLP_PROGRAM} + train("here", {"--set", "checkpoint.every_steps=20"}, "100000"));
  const fs::path here = run_folder("here"), there = run_folder("there");
  while (!fs::exists(here / "checkpoints/last")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  fs::rename(here, there);
  const Finished done = training.wait();
  EXPECT_EQ(done.code, 1) << done.err;
  EXPECT_NE(done.err.find("moved or removed"), std::string::npos) << done.err;
  EXPECT_FALSE(fs::exists(here)) << "no half run in its place";
  EXPECT_EQ(run({"train", "--resume", there, "--epochs", "100000", "--dry-run"}).code, 0);
}

TEST_F(InterruptedRunTest, SignalsAtAnyStepResumeToTheSameEnd) {
  const Words more{"--set", "train.micro_batch=16", "--set", "train.eval_every=10"};
  const auto words = [&](const std::string& name) { return resumable(name, more, "40"); };
  ASSERT_EQ(run(words("whole")).code, 0);
  struct Case {
    int signal;
    int bytes_logged;
  };
  for (const Case& c :
       {Case{SIGTERM, 1}, Case{SIGINT, 2000}, Case{SIGUSR1, 1200}, Case{SIGKILL, 500}, Case{SIGKILL, 5000}}) {
    const std::string name = fmt::format("stopped{}-{}", c.signal, c.bytes_logged);
    const Finished stopped = run(words(name), fault("FAULT_AT_LOGGED", c.bytes_logged, c.signal));
    ASSERT_EQ(stopped.code, 128 + c.signal) << stopped.err;
    EXPECT_EQ(stopped.err.find("--resume") != std::string::npos, c.signal != SIGKILL) << stopped.err;
    const Finished resumed = run(words(name));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    expect_same_run(run_folder("whole"), run_folder(name));
  }
}

TEST_F(InterruptedRunTest, AFineTuningKilledBeforeItsFirstCheckpointStartsFromTheSameWeights) {
  ASSERT_EQ(run(train("source", {"--set", "train.eval_every=0"}, "2")).code, 0);
  const auto words = [&](const std::string& name) {
    Words all = train(name, {"--from", run_folder("source"), "--set", "optim.groups=[]", "--resume", "auto"});
    all[0] = "finetune";
    all.erase(std::find(all.begin(), all.end(), "--config"), std::find(all.begin(), all.end(), "--data"));
    return all;
  };
  ASSERT_EQ(run(words("whole")).code, 0);
  ASSERT_EQ(run(words("killed"), fault("FAULT_AT_LOGGED", 1, SIGKILL)).code, 128 + SIGKILL);
  ASSERT_FALSE(fs::exists(run_folder("killed") / "checkpoints/last"));
  ASSERT_EQ(run(words("killed")).code, 0);
  expect_same_run(run_folder("whole"), run_folder("killed"));
}

TEST_F(InterruptedRunTest, ASignalThatIsNotAmongTheStopSignalsEndsTheRunAsEver) {
  const Words words = resumable("let", {"--set", "run.stop_signals=TERM"});
  EXPECT_EQ(run(words, fault("FAULT_AT_LOGGED", 1, SIGUSR2)).code, 128 + SIGUSR2);
  EXPECT_FALSE(fs::exists(run_folder("let") / "checkpoints/last"));
  const Finished saved = run(words, fault("FAULT_AT_LOGGED", 1, SIGTERM));
  EXPECT_EQ(saved.code, 128 + SIGTERM);
  EXPECT_TRUE(fs::exists(run_folder("let") / "checkpoints/last"));
  const Finished refused = run(train("no", {"--set", "run.stop_signals=KILL"}));
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("expected some of INT,TERM,HUP,USR1,USR2"), std::string::npos) << refused.err;
}

// A training that is stopped in its last evaluation has a checkpoint that says so.
TEST_F(InterruptedRunTest, AnEvaluationMadeAfterwardsIsKnownToTheCheckpoint) {
  const Words words = resumable("late", {}, "1");
  ASSERT_EQ(run(words).code, 0);
  const fs::path state = fs::canonical(run_folder("late") / "checkpoints/last") / "state.json";
  auto json = nlohmann::ordered_json::parse(testing::read_text(state));
  ASSERT_EQ(json["best"]["epoch"], 1);
  json["evaluation_due"] = true;
  for (const char* key : {"epoch", "step", "score", "top1", "top5"}) json["best"][key] = 0;
  std::ofstream(state) << json;
  ASSERT_EQ(run(words).code, 0);
  json = nlohmann::ordered_json::parse(testing::read_text(state));
  EXPECT_EQ(json["evaluation_due"], false);
  EXPECT_EQ(json["best"]["epoch"], 1);
}

TEST_F(InterruptedRunTest, ANonFiniteRunStopsWithFourAndKeepsItsLastFiniteCheckpoint) {
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

TEST_F(InterruptedRunTest, AFullDiskFailsTheSaveAndKeepsTheLastCheckpoint) {
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

TEST_F(InterruptedRunTest, KeptEpochsStayAndOthersGo) {
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

TEST_F(InterruptedRunTest, TwoProcessesNeverWriteOneRun) {
  const Words words = train("one", {"--set", "train.eval_every=0", "--resume", "auto"});
  Program first(folder_.path(), Words{SMLP_PROGRAM} + words, fault("FAULT_AT_LOGGED", 1, SIGSTOP));
  while (first.running() && testing::read_text(run_folder("one") / "metrics.jsonl").empty()) usleep(500);
  testing::TempDir other;
  const Finished second = Program(other.path(), Words{SMLP_PROGRAM} + words).wait();
  EXPECT_EQ(second.code, 1) << second.err;
  EXPECT_NE(second.err.find("being written by process"), std::string::npos) << second.err;
  first.signal(SIGCONT);
  EXPECT_EQ(first.wait().code, 0);
}

TEST_F(InterruptedRunTest, DamagedCheckpointsAreRefusedByName) {
  ASSERT_EQ(run(train("d", {"--set", "train.eval_every=0"})).code, 0);
  const fs::path checkpoint = fs::canonical(run_folder("d") / "checkpoints/last");
  const fs::path model = checkpoint / "model.safetensors";
  std::string bytes = testing::read_text(model);
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(model, std::ios::binary) << bytes;
  Finished done = run({"eval", checkpoint});
  EXPECT_EQ(done.code, 3);
  EXPECT_NE(done.err.find("model.safetensors: hash"), std::string::npos) << done.err;
  std::string state = testing::read_text(checkpoint / "state.json");
  std::ofstream(checkpoint / "state.json")
      << std::regex_replace(state, std::regex("\"step\": 32"), "\"step\": -1");
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(model, std::ios::binary) << bytes;
  done = run({"train", "--resume", run_folder("d")});
  EXPECT_EQ(done.code, 3);
  EXPECT_NE(done.err.find("step -1"), std::string::npos) << done.err;
  auto json = nlohmann::json::parse(state);
  json["config"] = "model: [";
  std::ofstream(checkpoint / "state.json") << json;
  for (const Words& words :
       {Words{"eval", checkpoint}, Words{"probe", "--from", checkpoint, "--data", data()}})
    EXPECT_EQ(run(words).code, 3) << words[0];
  std::ofstream(checkpoint / "state.json") << "{}";
  done = run({"eval", checkpoint});
  EXPECT_EQ(done.code, 3);
  EXPECT_NE(done.err.find("state.json"), std::string::npos) << done.err;
}

}  // namespace
}  // namespace smlp
