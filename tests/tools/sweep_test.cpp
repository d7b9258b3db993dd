// `smlp sweep`: grids of runs by one process or several, stopped and killed, and what other programs make of
// them.
#include <signal.h>
#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <set>
#include <thread>

#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Program;
using testing::read_text;
using testing::Words;
using testing::write_plainly;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

class SweepTest : public testing::ProgramFixture {
 protected:
  // A sweep of that grid over runs of 32 steps, in runs/NAME.
  std::string sweep(const std::string& name, const std::string& section, const std::string& more = "") const {
    write_plainly(
        in(name + ".yaml"),
        fmt::format("base: cifar10_b_mlp.yaml\nrun: {{output: {}}}\ndata: {{root: {}}}\n"
                    "device: {{type: cpu, precision: fp32, threads: 1}}\nmodel: {{width: 16, depth: 2}}\n"
                    "train: {{epochs: 4, batch_size: 64}}\n{}sweep:\n{}",
                    in("runs").string(), data().string(), more, section));
    return in(name + ".yaml");
  }
  static std::string probe() {
    return fmt::format("{{base: probe.yaml, data: {{root: {}}}, train: {{epochs: 2}}}}", data().string());
  }

  Json status(const std::string& name) {
    const Finished found = run({"sweep", "status", in("runs/" + name), "--json"});
    EXPECT_EQ(found.code, 0) << found.err;
    return Json::parse(found.out);
  }
  std::int64_t count(const Json& status, const std::string& word) const {
    return std::ranges::count_if(status["runs"], [&](const Json& each) { return each["status"] == word; });
  }
  static Json run_of(const Json& status, const std::string& name) {
    for (const Json& each : status["runs"])
      if (each["run"] == name) return each;
    return {};
  }
  std::size_t sessions(const fs::path& run) const {
    return Json::parse(read_text(run / "env.json"))["sessions"].size();
  }
  template <class True>
  static void wait_until(const True& is_true) {
    for (int tries = 0; tries < 6000 && !is_true(); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(is_true());
  }
  // A process that has just begun a run of the sweep; 0 while there is none.
  pid_t beginner(const std::string& name) const {
    const fs::path folder = in("runs") / name;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder / "jobs", none)) {
      int process = 0;
      const fs::path run = folder / entry.path().stem();
      if (entry.path().extension() == ".claim" && fs::exists(run / "config.yaml") &&
          !fs::exists(run / "checkpoints/last") &&
          std::sscanf(read_text(entry.path()).c_str(), "process %d on ", &process) == 1)
        return process;
    }
    return 0;
  }
};

TEST_F(SweepTest, AGridIsTrainedOnceAndWhatFollowsEachKeptEpoch) {
  const std::string file = sweep("s", "  grid: {model.width: [8, 16]}\n  then: {probe: " + probe() + "}\n",
                                 "checkpoint: {keep_epochs: [1]}\n");
  const Finished planned = run({"sweep", "--config", file, "--dry-run", "--json"});
  ASSERT_EQ(planned.code, 0) << planned.err;
  EXPECT_EQ(Json::parse(planned.out)["runs"].size(), 6u);
  EXPECT_FALSE(fs::exists(in("runs"))) << "a dry run writes nothing";
  EXPECT_GT(Json::parse(planned.out)["runs"][0]["seconds"], 0);
  EXPECT_EQ(Json::parse(planned.out)["runs"][0]["images"], 2048) << "32 steps of 64";

  const Finished done = run({"sweep", "--config", file});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("6 of 6 finished"), std::string::npos) << done.out;
  const Json found = status("s");
  EXPECT_EQ(found["tasks"], 2);
  ASSERT_EQ(count(found, "finished"), 6);
  EXPECT_EQ(found["runs"][2]["run"], "width8--epoch1--probe");
  const std::string of_epoch = read_text(in("runs/s/width8--epoch1--probe/config.yaml")),
                    of_end = read_text(in("runs/s/width8--probe/config.yaml"));
  EXPECT_NE(of_epoch.find("width8/checkpoints/step-000000008"), std::string::npos) << of_epoch;
  EXPECT_NE(of_end.find("width8/checkpoints/step-000000032"), std::string::npos) << of_end;

  const Finished fit = run({"scaling", "fit", in("runs/s"), "--downstream", "probe", "--resamples", "0",
                            "--json", "--to", in("fit")});
  ASSERT_EQ(fit.code, 0) << fit.err;
  const Json points = Json::parse(fit.out)["points"];
  ASSERT_EQ(points.size(), 4u) << "of two models after one epoch and after four";
  EXPECT_EQ(points[0]["epochs"], 1);
  EXPECT_EQ(points[3]["epochs"], 4);
  EXPECT_NEAR(points[3]["error"], 1 - run_of(found, "width16--probe")["top1"].get<double>() / 100, 1e-9);
  EXPECT_NEAR(points[3]["compute"], 3 * 500 * 4 * double(points[3]["macs"]), 1)
      << "the training's, not the probe's";
  const std::string pairs = read_text(in("fit/transfer.csv"));
  EXPECT_EQ(std::ranges::count(pairs, '\n'), 5) << pairs;
  const double own = 1 - run_of(found, "width16")["top1"].get<double>() / 100;
  EXPECT_NE(pairs.find(fmt::format(",4,0,{},", own)), std::string::npos) << pairs;
  EXPECT_NE(run({"scaling", "fit", in("runs/s"), "--downstream", "finetune"}).err.find("…--finetune"),
            std::string::npos);

  EXPECT_EQ(run({"sweep", "run", in("runs/s")}).code, 0);
  for (const Json& each : found["runs"])
    EXPECT_EQ(sessions(in("runs/s") / each["run"].get<std::string>()), 1u)
        << "a finished run is not repeated";
  EXPECT_EQ(Json::parse(run({"runs", in("runs/s"), "--json"}).out).size(), 6u);

  fs::remove(in("runs/s/width16--probe/env.json"));  // as a kill between config.yaml and it leaves a run
  EXPECT_EQ(run({"sweep", "run", in("runs/s")}).code, 0);
  ASSERT_EQ(run({"sweep", "run", in("runs/s"), "--epochs", "5", "--task", "0"}).code, 1)
      << "its run went on, so that the probe of its end is of other weights";
  const Json longer = status("s");
  EXPECT_EQ(longer["runs"][0]["epoch"], 5);
  EXPECT_NE(run({"sweep", "run", in("runs/s"), "--lr", "0.5"}).err.find("optim.lr is 0.5"), std::string::npos)
      << "a finished run is not another one's";
  EXPECT_EQ(read_text(in("runs/s/sweep.yaml")).find("0.5"), std::string::npos) << "and nothing was written";
  EXPECT_NE(longer["runs"][1]["reason"].get<std::string>().find("width8 has trained on"), std::string::npos)
      << longer;
  EXPECT_EQ(longer["runs"][3]["epoch"], 4) << "of another task";
}

TEST_F(SweepTest, OneThatFailsIsReportedTheOthersGoOnAndTheNextCallTriesItAgain) {
  const std::string file = sweep("s", fmt::format("  grid: {{data.root: [{}, {}]}}\n  then: {{probe: {}}}\n",
                                                  in("later").string(), data().string(), probe()));
  const Finished first = run({"sweep", file});
  EXPECT_EQ(first.code, 1);
  Json found = status("s");
  EXPECT_EQ(count(found, "finished"), 2) << found;
  EXPECT_EQ(found["runs"][0]["status"], "failed");
  EXPECT_NE(found["runs"][0]["reason"].get<std::string>().find("later"), std::string::npos) << found;
  EXPECT_EQ(found["runs"][1]["status"], "waiting") << "it follows the one that failed";
  fs::create_directory_symlink(data(), in("later"));
  EXPECT_EQ(run({"sweep", "run", in("runs/s")}).code, 0);
  EXPECT_EQ(count(status("s"), "finished"), 4);
}

TEST_F(SweepTest, KilledItGoesOnToTheSameBits) {
  const std::string grid = "  grid: {run.seed: [0, 1]}\n";
  const std::string keys =
      "checkpoint: {every_steps: 5}\ntrain: {epochs: 40, batch_size: 64, log_every: 3}\n";
  const auto write = [&](const std::string& name) {
    sweep(name, grid);
    std::string text = read_text(in(name + ".yaml"));
    text.replace(text.find("train: {epochs: 4, batch_size: 64}\n"), 35, keys);
    write_plainly(in(name + ".yaml"), text);
    return in(name + ".yaml");
  };
  ASSERT_EQ(run({"sweep", write("whole")}).code, 0);
  {
    Program cut(folder_.path(), {SMLP_PROGRAM, "sweep", write("cut")});
    wait_until([&] { return fs::exists(in("runs/cut/seed1/checkpoints/last")); });
    cut.signal(SIGKILL);
    cut.wait();
  }
  EXPECT_EQ(run({"sweep", "run", in("runs/cut")}).code, 0);
  EXPECT_EQ(sessions(in("runs/cut/seed0")), 1u);
  EXPECT_EQ(sessions(in("runs/cut/seed1")), 2u) << "it was cut off, and went on";
  for (const std::string each : {"seed0", "seed1"}) {
    const fs::path a = in("runs/whole") / each, b = in("runs/cut") / each;
    EXPECT_EQ(read_text(a / "checkpoints/last/model.safetensors"),
              read_text(b / "checkpoints/last/model.safetensors"));
    EXPECT_EQ(testing::timeless_metrics(a), testing::timeless_metrics(b));
  }
}

TEST_F(SweepTest, SeveralProcessesShareOneFolder) {
  const std::string file = sweep("s", "  grid: {run.seed: [0, 1, 2, 3, 4, 5]}\n");
  for (const char* each : {"a", "b", "runs/s"}) fs::create_directories(in(each));
  write_plainly(in("runs/s/.sweep.yaml.tmp-1-2"), "what a third is just writing");
  Program a(in("a"), {SMLP_PROGRAM, "sweep", file}), b(in("b"), {SMLP_PROGRAM, "sweep", file});
  const Finished of_a = a.wait(), of_b = b.wait();
  EXPECT_EQ(of_a.code, 0) << of_a.err;
  EXPECT_EQ(of_b.code, 0) << of_b.err;
  for (int seed = 0; seed < 6; ++seed) EXPECT_EQ(sessions(in(fmt::format("runs/s/seed{}", seed))), 1u);
  EXPECT_NE(of_a.err.find("run "), std::string::npos);
  EXPECT_NE(of_b.err.find("run "), std::string::npos) << "both did some";
}

TEST_F(SweepTest, OfTwentyRunsOneWhoseProcessIsKilledFailsAlone) {
  std::string seeds = "0";
  for (int seed = 1; seed < 20; ++seed) seeds += fmt::format(", {}", seed);
  const std::string file = sweep("s", "  grid: {run.seed: [" + seeds + "]}\n");
  Program parent(folder_.path(), {SMLP_PROGRAM, "sweep", file, "--jobs", "2"});
  pid_t process = 0;
  wait_until([&] { return (process = beginner("s")) != 0; });
  ::kill(process, SIGKILL);
  const Finished finished = parent.wait();
  EXPECT_EQ(finished.code, 1) << finished.err;
  const Json found = status("s");
  EXPECT_EQ(count(found, "finished"), 19) << found;
  EXPECT_EQ(count(found, "failed"), 1);
  EXPECT_NE(finished.out.find("ended by SIGKILL"), std::string::npos) << finished.out;
  EXPECT_EQ(run({"sweep", "run", in("runs/s"), "--jobs", "2"}).code, 0) << "the next call does it";
}

TEST_F(SweepTest, AStopSavesWhatEachProcessDoesAndTheNextCallGoesOn) {
  const std::string file = sweep("s", "  grid: {run.seed: [0, 1]}\n");
  Program parent(folder_.path(), {SMLP_PROGRAM, "sweep", file, "--jobs", "2", "--epochs", "100000"});
  wait_until([&] {
    return fs::exists(in("runs/s/seed0/metrics.jsonl")) && fs::exists(in("runs/s/seed1/metrics.jsonl"));
  });
  parent.signal(SIGTERM);
  EXPECT_EQ(parent.wait().code, 128 + SIGTERM);
  const Json found = status("s");
  EXPECT_EQ(count(found, "stopped"), 2) << found;
  for (const Json& each : found["runs"]) EXPECT_GT(each["epoch"], 0);
  for (const char* seed : {"seed0", "seed1"})
    EXPECT_FALSE(fs::exists(in("runs/s/jobs") / (seed + std::string(".claim"))));
  const auto done = static_cast<int>(found["runs"][0]["epoch"].get<double>());
  EXPECT_EQ(run({"sweep", "run", in("runs/s"), "--task", "0", "--epochs", std::to_string(done + 1)}).code, 0);
  EXPECT_EQ(status("s")["runs"][0]["status"], "finished");
}

TEST_F(SweepTest, WhatItCannotDoIsSaidFirst) {
  const std::string file = sweep("s", "  grid: {run.seed: [0, 1]}\n");
  const auto refused = [&](const Words& words, int code, const std::string& text) {
    const Finished found = run(words);
    EXPECT_EQ(found.code, code) << found.err;
    EXPECT_NE(found.err.find(text), std::string::npos) << found.err;
  };
  refused({"sweep"}, 2, "a configuration with a section `sweep`");
  refused({"sweep", file, "--task", "2"}, 2, "tasks 0 to 1");
  refused({"sweep", "cifar10_b_mlp.yaml"}, 2, "no section `sweep`");
  refused({"sweep", "status", in("runs")}, 3, "no sweep's folder");
  refused({"train", file}, 2, "smlp sweep");
  fs::create_directories(in("runs/s/mine"));
  refused({"sweep", file}, 2, "holds no sweep");
  EXPECT_FALSE(fs::exists(in("runs/s/sweep.yaml")));
}

// What `scaling fit` takes where images are held out.
TEST_F(SweepTest, AHeldOutScoreIsShownBesideTheTestSplits) {
  ASSERT_EQ(run({"sweep", sweep("s", "  grid: {run.seed: [0]}\n"), "--set", "data.holdout=0.2"}).code, 0);
  EXPECT_GT(status("s")["runs"][0]["holdout_top1"], 0);
  EXPECT_NE(run({"sweep", "status", in("runs/s")}).out.find("holdout_top1"), std::string::npos);
}

TEST_F(SweepTest, CompareFindsTheBestSettingsOverSeedsAndDrawsThem) {
  const std::string grids =
      "  grid:\n    - {label: narrow, model.width: [8], optim.lr: [1.0e-9, 1.0e-3], run.seed: [0, 1]}\n"
      "    - {label: wide, optim.lr: [1.0e-3], run.seed: [0, 1]}\n  then: {probe: " +
      probe() + "}\n";
  ASSERT_EQ(run({"sweep", sweep("s", grids), "--set", "data.holdout=0.2"}).code, 0);
  const Finished found =
      run({"sweep", "compare", in("runs/s"), "--by", "label", "--json", "--to", in("figure")});
  ASSERT_EQ(found.code, 0) << found.err;
  const Json json = Json::parse(found.out), all = status("s");
  const auto mean = [&](const std::string& run, const char* key) {
    return (run_of(all, run + "_seed0")[key].get<double>() + run_of(all, run + "_seed1")[key].get<double>()) /
           2;
  };
  ASSERT_EQ(json["rows"].size(), 2u);
  EXPECT_EQ(json["rows"][0]["chosen"]["optim.lr"], "0.001") << "a rate of 1e-9 learns nothing";
  EXPECT_EQ(json["rows"][0]["seeds"], 2);
  EXPECT_NEAR(json["rows"][0]["score"]["mean"], mean("narrow_lr0.001", "holdout_top1"), 1e-9);
  EXPECT_NEAR(json["rows"][1]["top1"]["mean"], mean("wide", "top1"), 1e-9);
  EXPECT_EQ(json["score"], "holdout_top1");
  for (const char* file : {"comparison.csv", "comparison.gp"})
    EXPECT_TRUE(fs::exists(in("figure") / file)) << file;

  const Json by_size =
      Json::parse(run({"sweep", "compare", in("runs/s"), "--by", "label", "--x", "macs", "--json"}).out);
  const std::string info = run({"info", in("runs/s/wide_seed0")}).out;
  std::smatch sums;
  ASSERT_TRUE(std::regex_search(info, sums, std::regex("\nall +[0-9]+ +([0-9]+)"))) << info;
  EXPECT_EQ(by_size["rows"][1]["x"].get<double>(), std::stod(sums[1]));

  const Finished probes = run({"sweep", "compare", in("runs/s"), "--downstream", "probe", "--by", "label",
                               "--x", "optim.lr", "--against", "narrow"});
  EXPECT_NE(probes.out.find("against narrow"), std::string::npos) << probes.out << probes.err;
  EXPECT_EQ(probes.out.find("chosen"), std::string::npos) << "nothing is left to choose: " << probes.out;
  fs::create_directory(in("full"));
  write_plainly(in("full/mine.txt"), "");
  EXPECT_EQ(run({"sweep", "compare", in("runs/s"), "--to", in("full")}).code, 2)
      << "a folder of something else";
  EXPECT_EQ(run({"sweep", "compare", in("runs")}).code, 3) << "no sweep's folder";
}

// The scripts that docs/examples has for other programs, these put in their place.
TEST_F(SweepTest, ATaskOfASlurmArrayIsRequeuedWhenItsTimeIsOver) {
  const std::string file = sweep("s", "  grid: {run.seed: [0, 1]}\n");
  fs::create_directories(in("bin"));
  write_plainly(in("bin/smlp"),
                fmt::format("#!/bin/sh\nexec {} \"$@\" --epochs ${{EPOCHS}}\n", SMLP_PROGRAM));
  write_plainly(in("bin/scontrol"), fmt::format("#!/bin/sh\necho \"$@\" >> {}\n", in("requeued").string()));
  for (const char* each : {"bin/smlp", "bin/scontrol"}) fs::permissions(in(each), fs::perms::owner_all);
  const std::string script = std::string(SMLP_SOURCE_DIR) + "/docs/examples/sweep_slurm.sh";
  Program::Environment environment{{"PATH", in("bin").string() + ":" + ::getenv("PATH")},
                                   {"SWEEP", file},
                                   {"SLURM_ARRAY_TASK_ID", "1"},
                                   {"SLURM_ARRAY_JOB_ID", "77"},
                                   {"EPOCHS", "100000"}};
  Program job(folder_.path(), {"/bin/bash", script}, environment);
  wait_until([&] { return fs::exists(in("runs/s/seed1/metrics.jsonl")); });
  job.signal(SIGUSR1);
  EXPECT_EQ(job.wait().code, 128 + SIGUSR1);
  EXPECT_EQ(read_text(in("requeued")), "requeue 77_1\n");
  const Json found = status("s");
  EXPECT_EQ(found["runs"][0]["status"], "waiting") << "another task's";
  EXPECT_EQ(found["runs"][1]["status"], "stopped");
  environment.back().second = std::to_string(static_cast<int>(found["runs"][1]["epoch"].get<double>()) + 1);
  EXPECT_EQ(Program(folder_.path(), {"/bin/bash", script}, environment).wait().code, 0);
  EXPECT_EQ(status("s")["runs"][1]["status"], "finished");
  EXPECT_EQ(read_text(in("requeued")), "requeue 77_1\n");
}

TEST_F(SweepTest, GnuParallelDoesItsTasks) {
  const std::string file = sweep("s", "  grid: {run.seed: [0, 1, 2]}\n");
  fs::create_directories(in("bin"));
  write_plainly(in("bin/smlp"), fmt::format("#!/bin/sh\nexec {} \"$@\"\n", SMLP_PROGRAM));
  write_plainly(in("bin/parallel"),
                "#!/bin/sh\n[ \"$1\" = -j ] && jobs=$2 && shift 2\nexec xargs -P $jobs -I{} \"$@\"\n");
  for (const char* each : {"bin/smlp", "bin/parallel"}) fs::permissions(in(each), fs::perms::owner_all);
  const Finished done =
      Program(folder_.path(), {"/bin/sh", std::string(SMLP_SOURCE_DIR) + "/docs/examples/sweep_parallel.sh"},
              {{"PATH", in("bin").string() + ":" + ::getenv("PATH")}, {"SWEEP", file}, {"TASKS", "3"}})
          .wait();
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(count(status("s"), "finished"), 3);
}

}  // namespace
}  // namespace smlp
