// `smlp runs`: the table of runs, what a run says of itself, and what is done with runs.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::Finished;
using testing::Program;
using testing::Words;
using testing::operator+;
using testing::write_plainly;
using Json = nlohmann::ordered_json;

class RunsTest : public testing::ProgramFixture {
 protected:
  // A run as one leaves it that has been evaluated once for each of these top-1.
  void make_run(const std::string& name, const std::string& yaml, const std::vector<double>& top1 = {50}) {
    const fs::path run = run_folder(name);
    fs::create_directories(run / "checkpoints");
    write_plainly(run / "config.yaml", yaml.empty() ? "{}" : yaml);
    std::string metrics;
    for (std::size_t i = 0; i < top1.size(); ++i)
      metrics += fmt::format(R"({{"kind":"eval","step":{},"epoch":{},"loss":1.5,"top1":{},"top5":90}})",
                             8 * (i + 1), i + 1, top1[i]) +
                 "\n";
    write_plainly(run / "metrics.jsonl", metrics);
  }
  static std::string sessions(const std::string& more) {
    return R"({"sessions": [{"command": "smlp train", "host": "h", "process": 1, "start": "s")" + more +
           "}]}";
  }
  Finished runs(const Words& more, const Program::Environment& environment = {}) {
    return run(Words{"runs", in("runs")} + more, environment);
  }
  Json json(const Words& more = {}) { return Json::parse(runs(Words{"--json"} + more).out); }
  std::string status(const std::string& name, const Program::Environment& environment = {}) {
    const Finished done = run({"runs", run_folder(name), "--json"}, environment);
    return done.code == 0 ? Json::parse(done.out)["status"].get<std::string>() : done.err;
  }
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string header_of(const Finished& done) {
  return done.out.substr(0, done.out.find('\n'));
}

TEST_F(RunsTest, TheTableHasEverySettingThatDiffersAndNoOther) {
  make_run("a", "model: {width: 16}\ndevice: {precision: fp32}");
  make_run("b", "model: {width: 32}\ndevice: {precision: bf16}\noptim: {name: sgd, lr: 0.1}", {40, 60, 55});
  make_run("c", "model: {width: 32}\ndevice: {precision: bf16}\naugment: {crop: {scale: [0.4, 1]}}");
  const Finished done = runs({});
  ASSERT_EQ(done.code, 0) << done.err;
  const std::string header = header_of(done);
  for (const char* key : {"model.width", "device.precision", "optim.name", "optim.lr", "augment.crop.scale",
                          "epoch", "status", "command", "best_top1", "last_top1"})
    EXPECT_TRUE(holds(header, key)) << key << " in " << header;
  for (const char* key :
       {"model.depth", "train.batch_size", "optim.momentum", "run.name", "run.seed", "init.from"})
    EXPECT_FALSE(holds(header, key)) << key << " in " << header;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("b .* 3/100 .* 60.00 +55.00\n"))) << done.out;
  EXPECT_TRUE(holds(done.err, "characters wide: COLUMNS=80 keeps what fits")) << done.err;
}

TEST_F(RunsTest, ARidgeProbeHasNoOptimiser) {
  make_run("ridge", "init: {from: elsewhere, new_head: true}\ntrain: {method: ridge, epochs: 1}");
  make_run("lion", "optim: {lr: 1.0e-5}");
  const Json rows = json();
  EXPECT_EQ(rows[0]["optim.lr"], 1e-5);
  EXPECT_FALSE(rows[1].contains("optim.lr"));
  EXPECT_FALSE(rows[1].contains("optim.name"));
  const Finished done = runs({"--columns", "command,train.method,optim.name,init.from"});
  EXPECT_TRUE(std::regex_search(done.out, std::regex("ridge +finetune +ridge +elsewhere\n"))) << done.out;
}

TEST_F(RunsTest, SeedsAreOneRowOfMeanAndSampleDeviation) {
  for (const int seed : {0, 1, 2})
    make_run(fmt::format("b6-seed{}", seed), fmt::format("run: {{seed: {}}}", seed), {50.0 + 2 * seed});
  make_run("other", "optim: {lr: 0.1}", {10});
  Finished done = runs({});
  EXPECT_TRUE(std::regex_search(done.out, std::regex("b6-seed\\* +3 .* 52.00 ± 2.00 +52.00 ± 2.00\n")))
      << done.out;
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 3) << done.out;
  done = runs({"--each"});
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 5) << done.out;
  EXPECT_EQ(json().size(), 4u);
  make_run("again", "run: {seed: 1}", {99});
  done = runs({});
  EXPECT_FALSE(holds(done.out, " 4 ")) << "the same seed twice is no second sample: " << done.out;
  for (const int seed : {0, 1})
    make_run(fmt::format("c6-seed{}", seed), fmt::format("run: {{seed: {}}}", seed), {40});
  done = runs({});
  EXPECT_TRUE(holds(done.out, "52.00 ± 2.00") && holds(done.out, "40.00 ± 0.00"))
      << "each --seeds is one row: " << done.out;
}

TEST_F(RunsTest, NumbersAreComparedAsNumbers) {
  make_run("a", "optim: {lr: 9.0e-5}", {70});
  make_run("b", "optim: {lr: 1.0e-3}", {60});
  make_run("c", "optim: {lr: 1.0e-2}\ndata: {root: shapes}", {});
  const auto names = [&](const Words& more) {
    std::string text;
    for (const Json& row : json(more)) text += row["run"].get<std::string>();
    return text;
  };
  EXPECT_EQ(names({"--filter", "optim.lr>1e-4"}), "bc");
  EXPECT_EQ(names({"--filter", "optim.lr <= 0.001", "--filter", "best_top1!=60"}), "a");
  EXPECT_EQ(names({"--filter", "data.root=shapes"}), "c");
  EXPECT_EQ(names({"--filter", "best_top1=null"}), "c");
  EXPECT_EQ(names({"--filter", "best_top1="}), "c");
  EXPECT_EQ(names({"--filter", "best_top1!="}), "ab");
  for (const char* list : {"optim.betas=0.9,0.99", "optim.betas = [0.90, .99]", "optim.betas=[0.9,0.99]"})
    EXPECT_EQ(names({"--filter", list}), "abc") << list;
  for (const char* list : {"optim.betas=0.9", "optim.betas=0.9,0.99,1", "optim.betas!=0.9,0.99"})
    EXPECT_EQ(names({"--filter", list}), "") << list;
  EXPECT_EQ(names({"--sort", "best_top1"}), "bac");
  EXPECT_EQ(names({"--sort", "best_top1", "--reverse"}), "abc") << "what is missing comes last";
  struct Refused {
    Words words;
    std::string says;
  };
  for (const Refused& each : {Refused{{"--filter", "lr>1"}, "did you mean 'optim.lr'?"},
                              Refused{{"--filter", "optim.lrr>1"}, "did you mean 'optim.lr'?"},
                              Refused{{"--filter", "optim.lr"}, "KEY OP VALUE"},
                              Refused{{"--filter", "optim.lr=>1"}, "KEY OP VALUE"},
                              Refused{{"--filter", "optim.lr>high"}, "is a number"},
                              Refused{{"--filter", "best_top1>nan"}, "'best_top1=' finds"},
                              Refused{{"--filter", "optim.betas>0.9"}, "is a list"},
                              Refused{{"--sort", "best"}, "did you mean 'best_top1'?"},
                              Refused{{"--columns", "run,statuss"}, "did you mean 'status'?"}}) {
    const Finished done = runs(each.words);
    EXPECT_EQ(done.code, 2) << each.words[1];
    EXPECT_TRUE(holds(done.err, each.says)) << done.err;
  }
}

TEST_F(RunsTest, ANarrowTerminalCutsTablesAndNoData) {
  const std::string name(60, 'n');
  make_run(name, "model: {width: 16}\noptim: {lr: 0.1}\ndata: {root: /a/long/way/to/the/data/cifar10}");
  make_run("b", "model: {width: 32}\ntrain: {batch_size: 64}");
  const Program::Environment narrow{{"COLUMNS", "60"}};
  const Finished table = runs({}, narrow);
  for (const std::string& line : text_lines(table.out)) EXPECT_LE(display_width(line), 60u) << line;
  EXPECT_TRUE(holds(table.out, "best_top1")) << table.out;
  EXPECT_TRUE(holds(table.err, "no room for ")) << table.err;
  EXPECT_TRUE(holds(runs({"--columns", "run,data.root"}, narrow).out, name)) << "asked for";
  const Finished csv = runs({"--csv"}, narrow);
  EXPECT_TRUE(holds(csv.out, name) && holds(csv.out, "/a/long/way/to/the/data/cifar10")) << csv.out;
  EXPECT_TRUE(csv.out.starts_with("run,path,run.name,")) << csv.out;
  EXPECT_EQ(Json::parse(runs({"--json"}, narrow).out)[1]["run"], name);
}

TEST_F(RunsTest, ABrokenRunTakesNoOtherAway) {
  make_run("good", "");
  make_run("yaml", "model: [");
  make_run("fifo", "");
  fs::remove(run_folder("fifo") / "metrics.jsonl");
  ASSERT_EQ(::mkfifo((run_folder("fifo") / "metrics.jsonl").c_str(), 0600), 0);
  make_run("env", "");
  write_plainly(run_folder("env") / "env.json", "{");
  make_run("empty", "");
  write_plainly(run_folder("empty") / "config.yaml", "");
  make_run(".old.tmp-1", "");
  const Finished done = runs({});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(holds(done.out, "\ngood ")) << done.out;
  for (const char* name : {"yaml", "fifo", "env", "empty"})
    EXPECT_TRUE(holds(done.err, std::string(name) + ": left out: ")) << done.err;
  EXPECT_FALSE(holds(done.out + done.err, "tmp-")) << "what a writer left";
}

TEST_F(RunsTest, ResultsThatAreNotAllThereAreSaid) {
  const std::string finished = sessions(R"(, "end": "e", "exit": "finished")");
  const std::string line = R"({"kind":"eval","step":8,"epoch":1,"top1":50})";
  const auto status_of = [&](const std::string& metrics, const std::string& env) {
    make_run("m", "");
    write_plainly(run_folder("m") / "metrics.jsonl", metrics);
    write_plainly(run_folder("m") / "env.json", env);
    return status("m");
  };
  EXPECT_EQ(status_of(line + "\n", finished), "finished");
  for (const std::string& damaged : {line + "\nxx{{\n", std::string(100, '\0') + "\n" + line + "\n",
                                     line + "\n" + line.substr(0, 20), std::string()})
    EXPECT_EQ(status_of(damaged, finished), "damaged") << damaged;
  EXPECT_EQ(status_of(line + "\n" + line.substr(0, 20), sessions("")), "killed") << "as a kill leaves it";
}

TEST_F(RunsTest, AStatusIsTrueHoweverARunEnds) {
  const auto fault = [](int signal) {
    return Program::Environment{{"LD_PRELOAD", SMLP_FAULT_SHIM},
                                {"FAULT_AT_LOGGED", "1"},
                                {"FAULT_SIGNAL", std::to_string(signal)},
                                {"SLURM_JOB_ID", "77"}};
  };
  ASSERT_EQ(run(train("done", {}, "1")).code, 0);
  EXPECT_EQ(status("done"), "finished");
  ASSERT_EQ(run(resumable("r", {}, "1"), fault(SIGTERM)).code, 128 + SIGTERM);
  EXPECT_EQ(status("r"), "stopped");
  const std::string saved = fs::read_symlink(run_folder("r") / "checkpoints/last").filename().string();
  EXPECT_NEAR(json({"--filter", "run=r"})[0]["epoch"], std::stod(saved.substr(5)) * 64 / 500, 1e-9)
      << "what is saved counts, not what was logged last";
  ASSERT_EQ(run(resumable("r", {}, "1"), fault(SIGKILL)).code, 128 + SIGKILL);
  EXPECT_EQ(status("r"), "killed");
  ASSERT_EQ(run(resumable("r", {}, "1")).code, 0);
  EXPECT_EQ(status("r"), "finished");
  const auto env = Json::parse(testing::read_text(run_folder("r") / "env.json"));
  ASSERT_EQ(env["sessions"].size(), 3u);
  EXPECT_EQ(env["sessions"][0]["reason"], "SIGTERM");
  EXPECT_EQ(env["sessions"][0]["slurm"]["job_id"], "77");
  EXPECT_FALSE(env["sessions"][1].contains("end"));
  EXPECT_TRUE(holds(env["sessions"][2]["command"], "--set device.threads=1")) << env["sessions"][2];
  EXPECT_EQ(run(train("nan", {"--set", "data.mean=[0,0,0]", "--set", "data.std=[1e-45,1e-45,1e-45]", "--set",
                              "train.max_bad_steps=3"}))
                .code,
            4);
  EXPECT_EQ(status("nan"), "failed");
  EXPECT_TRUE(holds(run({"runs", run_folder("nan")}).out, "failed: the loss or the gradient was not finite"));
  EXPECT_EQ(run({"runs", "rm", "--yes", run_folder("nan")}).code, 0) << "all that is in it a run wrote";
}

TEST_F(RunsTest, ARunIsRunningWhileItsProcessLives) {
  const Program::Environment no_locks{{"LD_PRELOAD", SMLP_FAULT_SHIM}, {"FAULT_LACKS", "locks"}};
  Program working(
      folder_.path(), Words{SMLP_PROGRAM} + train("w", {}, "1"),
      {{"LD_PRELOAD", SMLP_FAULT_SHIM}, {"FAULT_AT_LOGGED", "1"}, {"FAULT_SIGNAL", std::to_string(SIGSTOP)}});
  while (working.running() && testing::read_text(run_folder("w") / "metrics.jsonl").empty()) usleep(500);
  testing::TempDir other;
  const auto ask = [&](const Words& words, const Program::Environment& environment = {}) {
    return Program(other.path(), Words{SMLP_PROGRAM} + words, environment).wait();
  };
  for (const Program::Environment& environment : {Program::Environment{}, no_locks})
    EXPECT_TRUE(holds(ask({"runs", run_folder("w")}, environment).out, "status       running"));
  const Finished refused = ask({"runs", "rm", "--yes", run_folder("w")});
  EXPECT_EQ(refused.code, 1) << refused.err;
  EXPECT_TRUE(holds(refused.err, "being written")) << refused.err;
  working.signal(SIGKILL);
  working.wait();
  for (const Program::Environment& environment : {Program::Environment{}, no_locks})
    EXPECT_TRUE(holds(ask({"runs", run_folder("w")}, environment).out, "status       killed"));
}

TEST_F(RunsTest, ARunsOwnFolderShowsTheRun) {
  ASSERT_EQ(run(train("a")).code, 0);
  const Finished done = run({"runs", run_folder("a")});
  ASSERT_EQ(done.code, 0) << done.err;
  for (const char* part : {"status       finished\n", "  model.width", "--set model.width=16",
                           "evaluations  4\n", "checkpoints\n", "step-000000032  last"})
    EXPECT_TRUE(holds(done.out, part)) << part << " in " << done.out;
  EXPECT_FALSE(holds(done.out, "model.expansion")) << "a default";
  const auto json = Json::parse(run({"runs", run_folder("a"), "--json"}).out);
  EXPECT_EQ(json["evaluations"].size(), 4u);
  EXPECT_EQ(json["sessions"][0]["exit"], "finished");
  EXPECT_EQ(run({"runs", run_folder("a"), "--sort", "run"}).code, 2);
  EXPECT_TRUE(holds(run({"runs", run_folder("a") / "log.txt"}).err, "it is a file of the run"));
  EXPECT_EQ(run({"runs", run_folder("a") / "checkpoints"}).out, "");
}

TEST_F(RunsTest, ADifferenceHasBothValues) {
  make_run("a", "model: {width: 16}", {50});
  make_run("b", "model: {width: 32}", {60});
  const Finished done = run({"runs", "diff", run_folder("a"), run_folder("b")});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("\nmodel.width +16 +32\n"))) << done.out;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("\nbest_top1 +50.00 +60.00\n"))) << done.out;
  EXPECT_FALSE(holds(done.out, "model.depth")) << done.out;
  const auto json = Json::parse(run({"runs", "diff", run_folder("a"), run_folder("b"), "--json"}).out);
  EXPECT_EQ(json["model.width"], Json({16, 32}));
  EXPECT_EQ(run({"runs", "diff", run_folder("a"), in("nowhere")}).code, 3);
}

TEST_F(RunsTest, FollowingPrintsWhatChangesUntilItIsStopped) {
  make_run("a", "", {50});
  Program watching(folder_.path(), {SMLP_PROGRAM, "runs", "watch", in("runs"), "--every", "0.1"});
  const auto wait_for = [&](const std::string& text) {
    for (int i = 0; i < 2000 && watching.running(); ++i, usleep(5000))
      if (holds(testing::read_text(in("stdout.txt")), text)) return true;
    return false;
  };
  EXPECT_TRUE(wait_for("last_top1 50.00"));
  make_run("a", "", {50, 61});
  EXPECT_TRUE(wait_for("last_top1 61.00"));
  watching.signal(SIGINT);
  const Finished done = watching.wait();
  EXPECT_EQ(done.code, 128 + SIGINT);
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 2) << "a line a change: " << done.out;
  const std::string line = "{ timeout 300 \"$0\" runs watch \"$1\" --every 0.1; echo $? >&2; } | head -n 1";
  const Finished piped = Program(folder_.path(), {"/bin/sh", "-c", line, SMLP_PROGRAM, in("runs")}).wait();
  EXPECT_EQ(piped.err, "0\n") << "nobody reads any more";
}

TEST_F(RunsTest, ADamagedRunCanBeDeleted) {
  make_run("a", "");
  testing::write_plainly(run_folder("a") / "env.json", "{");
  EXPECT_EQ(run({"runs", "rm", "--yes", run_folder("a")}).code, 0);
  EXPECT_FALSE(fs::exists(run_folder("a")));
}

TEST_F(RunsTest, OnlyRunsAreDeletedAndOnlyOnRequest) {
  make_run("a", "");
  make_run("b", "init: {from: " + (run_folder("a") / "checkpoints/last").string() + "}");
  const auto remove = [&](const fs::path& path, const std::string& answer) {
    return Program(folder_.path(), {"/bin/sh", "-c", answer + " | \"$0\" runs rm \"$1\"", SMLP_PROGRAM, path})
        .wait();
  };
  Finished done = remove(run_folder("a"), "echo n");
  EXPECT_EQ(done.code, 1) << done.err;
  EXPECT_TRUE(holds(done.err, "runs/b was started from ")) << done.err;
  EXPECT_TRUE(fs::exists(run_folder("a") / "config.yaml"));

  fs::create_directory_symlink(run_folder("a"), in("link"));
  EXPECT_EQ(run({"runs", "rm", "--yes", in("link")}).code, 2);
  EXPECT_EQ(run({"runs", "rm", "--yes", in("runs")}).code, 3) << "a folder of runs";
  write_plainly(run_folder("b") / "notes.txt", "mine");
  done = run({"runs", "rm", "--yes", run_folder("a"), run_folder("b")});
  EXPECT_EQ(done.code, 2);
  EXPECT_TRUE(holds(done.err, "notes.txt")) << done.err;
  EXPECT_TRUE(fs::exists(run_folder("a"))) << "all or none";
  fs::create_directories(in("own"));
  write_plainly(in("own") / "config.yaml", "model: {width: 16}");
  EXPECT_EQ(run({"runs", "rm", "--yes", in("own")}).code, 3) << "a configuration of one's own";

  done = remove(run_folder("a"), "echo y");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_FALSE(fs::exists(run_folder("a")));
  EXPECT_EQ(run(train("a", {}, "1")).code, 0) << "its name is free";
}

TEST_F(RunsTest, ADeletionThatIsKilledLeavesARunOrAFreeName) {
  for (int at = 1;; at += 2) {
    make_run("a", "");
    write_plainly(run_folder("a") / "lock", "process 1 on h");
    write_plainly(run_folder("a") / "env.json", sessions(R"(, "end": "e", "exit": "finished")"));
    fs::create_directories(run_folder("a") / "checkpoints/step-000000008");
    write_plainly(run_folder("a") / "checkpoints/step-000000008/state.json", "{}");
    const Finished done = run({"runs", "rm", "--yes", run_folder("a")},
                              {{"LD_PRELOAD", SMLP_FAULT_SHIM}, {"FAULT_AT_REMOVED", std::to_string(at)}});
    if (done.code == 0) {
      EXPECT_GE(at, 5);
      break;
    }
    ASSERT_EQ(done.code, 128 + SIGKILL) << done.err;
    if (fs::exists(run_folder("a") / "config.yaml")) {
      EXPECT_EQ(run({"runs", "rm", "--yes", run_folder("a")}).code, 0) << "still a run, at " << at;
      continue;
    }
    for (const auto& entry : fs::directory_iterator(run_folder("a")))
      EXPECT_EQ(entry.path().filename(), "lock") << "a name that a new run may take, at " << at;
    fs::remove_all(run_folder("a"));
  }
  EXPECT_FALSE(fs::exists(run_folder("a")));
}

}  // namespace
}  // namespace smlp
