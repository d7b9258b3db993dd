// Where what the program prints and writes goes, and where its configuration comes from.
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::Finished;
using testing::Words;
using testing::operator+;

class OutputTest : public testing::ProgramFixture {
 protected:
  void SetUp() override {
    const Finished done = run(train("run", {}, "1"));
    ASSERT_EQ(done.code, 0) << done.err;
  }
  // A line of the shell, in which $smlp is the program and $run a run.
  Finished shell(const std::string& line) {
    return testing::Program(folder_.path(), {"/bin/sh", "-c", line},
                            {{"smlp", SMLP_PROGRAM},
                             {"run", run_folder("run")},
                             {"here", folder_.path()},
                             {"HOME", in("home")}})
        .wait();
  }
};

TEST_F(OutputTest, AFullStandardOutputIsAnErrorOfEveryCommand) {
  for (const std::string command :
       {"config show quickstart.yaml", "config keys", "info --system", "info b_mlp", "runs $here/runs",
        "eval $run", "eval $run --json", "--help", "--version"}) {
    const Finished done = shell("$smlp " + command + " > /dev/full");
    EXPECT_EQ(done.code, 1) << command;
    EXPECT_NE(done.err.find("standard output: No space left on device"), std::string::npos) << done.err;
  }
  EXPECT_EQ(shell("$smlp config show nowhere.yaml > /dev/full").code, 2);
}

TEST_F(OutputTest, APipeThatNobodyReadsEndsTheProgramQuietly) {
  const std::string pipe = "mkfifo pipe; exec 4<>pipe 5>pipe 4<&-; ";
  for (const std::string ignored : {"", "trap '' PIPE; "}) {
    const Finished done = shell("cd $here; rm -f pipe; " + ignored + pipe + "$smlp config keys >&5");
    EXPECT_EQ(done.code, 128 + SIGPIPE);
    EXPECT_EQ(done.err, "");
  }
}

TEST_F(OutputTest, TablesGoToStandardOutputAndPipesToo) {
  ASSERT_EQ(shell("$smlp eval $run --predictions $here/p.csv --confusion $here/c.csv").code, 0);
  const std::string predictions = testing::read_text(in("p.csv")),
                    confusion = testing::read_text(in("c.csv"));
  ASSERT_TRUE(predictions.starts_with("name,label,top1,"));
  for (const std::string place : {"-", "/dev/stdout"}) {
    const Finished done = shell("$smlp eval $run --predictions " + place);
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.out, predictions);
    EXPECT_NE(done.err.find("top1"), std::string::npos) << "the report";
  }
  EXPECT_EQ(shell("$smlp eval $run --confusion - | cat").out, confusion);
  const Finished done =
      shell("cd $here; mkfifo fifo; cat fifo > copy.csv & $smlp eval $run --predictions $here/fifo; wait");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(testing::read_text(in("copy.csv")), predictions);
  EXPECT_EQ(shell("$smlp eval $run --predictions - --confusion /dev/stdout").code, 2);
  EXPECT_EQ(shell("$smlp eval $run --predictions /dev/full").code, 1);
  for (const std::string place : {"-", "/dev/stdout", "/dev/stdout > $here/logits.npy"}) {
    const Finished refused = shell("$smlp eval $run --logits " + place);
    EXPECT_EQ(refused.code, 1) << place;
    EXPECT_NE(refused.err.find(place.substr(0, place.find(' ')) + " is "), std::string::npos) << refused.err;
  }
}

TEST_F(OutputTest, AMountPointIsWrittenInPlace) {
  if (shell("unshare -m true").code != 0) GTEST_SKIP() << "this user may not mount";
  const Finished done = shell(
      "cd $here; touch inside outside; unshare -m sh -c 'mount --bind outside inside && $smlp eval $run "
      "--predictions inside; $smlp info --sheet inside " +
      data().string() + "'");
  EXPECT_TRUE(testing::read_text(in("outside")).starts_with("name,label,")) << done.err;
  EXPECT_NE(done.err.find("is a mount point"), std::string::npos) << done.err;
}

TEST_F(OutputTest, AConfigurationComesFromAPipeOrStandardInput) {
  const std::string yaml = "printf 'model: {name: s_mlp, width: 7}\\n' | ";
  for (const std::string name : {"-", "/dev/stdin"}) {
    const Finished done = shell(yaml + "$smlp config show " + name);
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_NE(done.out.find("width: 7"), std::string::npos) << done.out;
  }
  EXPECT_NE(
      shell("printf 'modle: 1' | $smlp train --config -").err.find("standard input:1:8: unknown key 'modle'"),
      std::string::npos);
  EXPECT_EQ(shell("$smlp config show /dev/null").code, 0) << "no keys";
  for (const char* nothing : {"true", "echo", "printf '\\357\\273\\277'"}) {
    const Finished failed = shell(std::string(nothing) + " | $smlp train --config -");
    EXPECT_EQ(failed.code, 2) << failed.err;
    EXPECT_NE(failed.err.find("empty, expected a configuration"), std::string::npos) << failed.err;
  }
}

TEST_F(OutputTest, ATildeIsTheHomeFolderWhereverAPathIsRead) {
  std::ofstream(in("home.yaml")) << "run: {output: ~/a}\ndata: {root: '~/b'}\ninit: {from: ~/c}\n";
  const auto shown = [&](const std::string& words) { return shell("$smlp config show " + words).out; };
  const std::string file = shown("$here/home.yaml"), home = in("home");
  for (const std::string& key : {"output: " + home + "/a", "root: " + home + "/b", "from: " + home + "/c"})
    EXPECT_NE(file.find(key), std::string::npos) << key << " in " << file;
  EXPECT_NE(shown("quickstart.yaml --output=~/a --data '~/b'").find("root: " + home + "/b"),
            std::string::npos);
  EXPECT_NE(shown("quickstart.yaml --set 'run.output=~/d'").find("output: " + home + "/d"),
            std::string::npos);
  EXPECT_NE(shown("quickstart.yaml --set 'run.output=x~/a'").find("output: \"x~/a\""), std::string::npos);
  EXPECT_EQ(shell("HOME= $smlp config show $here/home.yaml").code, 2);
}

TEST_F(OutputTest, APathThatIsNotUtf8IsPackedButRefusedBeforeARunIsMade) {
  const fs::path odd =
      in("donn\xe9"
         "es");
  Finished done = run({"pack", "cifar10", "--from", *shared_ / "raw", "--to", odd / "pack"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Words train{"train", "--config", "cifar10_b_mlp.yaml", "--epochs", "1",           "--device",
                    "cpu",   "--set",    "model.width=8",      "--output", in("odd-runs")};
  done = run(train + Words{"--data", odd / "pack"});
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.err.find("donn\\xe9es/pack: not UTF-8"), std::string::npos) << done.err;
  EXPECT_FALSE(fs::exists(in("odd-runs")));
  EXPECT_EQ(run({"eval", run_folder("run"), "--data", odd / "pack"}).code, 2);

  fs::create_directory_symlink(odd, in("link"));
  EXPECT_EQ(run({"eval", run_folder("run"), "--data", in("link") / "pack"}).code, 0);
  done = run(train + Words{"--data", "pack", "--name", "named"}, {{"SMLP_DATA", odd}});
  EXPECT_EQ(done.code, 0) << done.err;
}

}  // namespace
}  // namespace smlp
