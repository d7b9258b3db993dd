#include "smlp/train/session.hpp"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <new>
#include <regex>

#include "smlp/core/files.hpp"
#include "smlp/device/errors.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "support/errors.hpp"
#include "support/experiments.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::small_config;
using testing::TempDir;

TEST(Session, ARunGoesOnToMoreEpochs) {
  const TempDir folder;
  const Outcome first = run_session(small_config(folder.path(), {"run.name=a"}));
  EXPECT_EQ(first.end, Outcome::End::finished);
  EXPECT_EQ(first.run, folder / "a");
  EXPECT_EQ(first.step, 10);
  EXPECT_GT(first.top5, 0);
  EXPECT_TRUE(first.chosen_on_test);
  const Outcome more = run_session(small_config(folder.path(), {"run.name=a", "train.epochs=5"}),
                                   {.resume = first.run.string()});
  EXPECT_EQ(more.run, first.run);
  EXPECT_EQ(more.step, 16);
  EXPECT_EQ(config_of_run(more.run), more.run / "config.yaml");
  EXPECT_EQ(config_of_run(more.run / "checkpoints/last"), fs::canonical(more.run) / "config.yaml");
}

// With a rate of 0 no evaluation is better than the first.
TEST(Session, PatienceEndsARunWhichSaysSoAndGoesOnWithoutIt) {
  const TempDir folder;
  const auto session = [&](const std::string& name, const std::string& patience, bool resume) {
    return run_session(small_config(folder.path(), {"run.name=" + name, "optim.lr=0", "train.epochs=5",
                                                    "train.patience=" + patience}),
                       {.resume = resume ? std::optional((folder / name).string()) : std::nullopt});
  };
  const Outcome whole = session("whole", "0", false), ended = session("a", "2", false);
  EXPECT_EQ(ended.end, Outcome::End::finished);
  EXPECT_TRUE(ended.out_of_patience);
  EXPECT_EQ(ended.epochs, 3);
  EXPECT_EQ(ended.best.epoch, 1);
  EXPECT_EQ(read_state(folder / "a/checkpoints/last").evaluations_since_best, 2);
  ::testing::internal::CaptureStderr();
  const Outcome again = session("a", "2", true);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("train.patience ended it: 2 evaluations"),
            std::string::npos);
  EXPECT_EQ(again.step, ended.step);
  EXPECT_TRUE(again.out_of_patience);
  const Outcome more = session("a", "0", true);
  EXPECT_EQ(more.step, whole.step);
  EXPECT_FALSE(more.out_of_patience || whole.out_of_patience);
  EXPECT_EQ(read_file(folder / "a/summary.csv", 1 << 20), read_file(folder / "whole/summary.csv", 1 << 20));
  EXPECT_NE(error_of(ErrorKind::usage,
                     [&] {
                       small_config(folder.path(), {"train.patience=2", "train.eval_every=0"});
                     })
                .find("train.eval_every"),
            std::string::npos);
}

TEST(Session, ARateThatIsFarTooHighIsSaidWhileItTrains) {
  const TempDir folder;
  const auto warnings = [&](const std::string& name, const std::string& lr, const std::string& optimizer,
                            const std::string& log_every = "1") {
    run_session(small_config(folder.path(), {"run.name=" + name, "optim.name=" + optimizer, "optim.lr=" + lr,
                                             "train.log_every=" + log_every, "train.epochs=5"}));
    const std::string log = read_file(folder / name / "log.txt", 1 << 20);
    std::size_t count = 0;
    for (std::size_t at = 0; (at = log.find("training diverge", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(warnings("high", "10", "lion"), 1u);
  EXPECT_EQ(warnings("adamw", "10", "adamw"), 1u);
  EXPECT_EQ(warnings("right", "1e-3", "lion"), 0u);
  EXPECT_EQ(warnings("short", "10", "lion", "1000"), 1u) << "too short to be noticed before its end";
}

TEST(Session, ADryRunSaysTheCostAndMakesNothing) {
  const TempDir folder;
  ::testing::internal::CaptureStderr();
  const Outcome planned =
      run_session(small_config(folder / "runs", {"schedule.warmup_epochs=3"}), {.dry_run = true});
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("the warm-up of 10 steps takes the whole run"),
            std::string::npos);
  EXPECT_EQ(planned.end, Outcome::End::planned);
  EXPECT_NE(planned.plan.find("10 steps"), std::string::npos) << planned.plan;
  EXPECT_NE(planned.plan.find("MACs to train"), std::string::npos);
  EXPECT_TRUE(
      std::regex_search(planned.plan, std::regex("\ntime  .* here: .*measured: [0-9]+ steps? of 64 images")))
      << planned.plan;
  EXPECT_FALSE(fs::exists(folder / "runs"));
}

TEST(Session, ResumingAutomaticallyFindsTheRunOrBeginsOne) {
  const TempDir folder;
  const auto session = [&](const std::string& lr) {
    return run_session(small_config(folder.path(), {"optim.lr=" + lr}), {.resume = "auto"}).run;
  };
  const fs::path first = session("1e-3");
  EXPECT_EQ(session("1e-3"), first);
  EXPECT_NE(session("2e-3"), first);
}

TEST(Session, SeedsAreRunsOfTheirOwn) {
  const TempDir folder;
  const RunConfig config =
      small_config(folder.path(), {"run.name=a", "optim.groups=[{match: '*', lr: 0.5}]"});
  const RunConfig seeded = with_seed(config, 7);
  EXPECT_EQ(seeded.run.seed, 7);
  EXPECT_EQ(seeded.run.name, "a-seed7");
  EXPECT_EQ(seeded.optim->groups.at(0).lr, 0.5);
  for (const std::int64_t seed : {std::int64_t{-1}, std::int64_t{1} << 32})
    EXPECT_NE(error_of(ErrorKind::usage, [&] { with_seed(config, seed); }).find("--seeds"),
              std::string::npos);
}

TEST(Session, AFolderThatIsNoRunIsLeftAlone) {
  const TempDir folder;
  for (const char* file : {"summary.csv", "log.txt", "checkpoints/mine", "lock"}) {
    const fs::path run = folder / "exp";
    fs::remove_all(run);
    fs::create_directories((run / file).parent_path());
    write_file_atomically(run / file, "mine");
    for (const SessionOptions& options : {SessionOptions{}, SessionOptions{.resume = "auto"}})
      EXPECT_NE(error_of(ErrorKind::usage,
                         [&] { run_session(small_config(folder.path(), {"run.name=exp"}), options); })
                    .find("--name"),
                std::string::npos);
    EXPECT_EQ(read_file(run / file, 100), "mine");
  }
}

TEST(Session, AStartThatWasCutOffBeforeTheRunExistedIsBegunAgain) {
  const TempDir folder;
  fs::create_directories(folder / "exp/checkpoints/.rehearsal.tmp-1-2");
  write_file_atomically(folder / "exp/lock", "process 1 on a host");
  EXPECT_EQ(run_session(small_config(folder.path(), {"run.name=exp"})).end, Outcome::End::finished);
}

TEST(Session, ARunsNameIsThatOfAFolder) {
  const TempDir folder;
  for (const std::string name : {"''", ".", "..", "../z", "a/b"})
    for (const SessionOptions& options : {SessionOptions{}, SessionOptions{.resume = "auto"}})
      EXPECT_NE(error_of(ErrorKind::usage,
                         [&] { run_session(small_config(folder / "runs", {"run.name=" + name}), options); })
                    .find("run.name"),
                std::string::npos)
          << name;
  EXPECT_FALSE(fs::exists(folder / "z"));
}

TEST(Session, WhatNeedsWeightsIsRefusedWithoutThem) {
  const TempDir folder;
  EXPECT_NE(
      error_of(ErrorKind::usage, [&] { run_session(small_config(folder.path()), {.needs_weights = true}); })
          .find("--from"),
      std::string::npos);
}

TEST(Errors, WhateverIsThrownLeavesAsAnError) {
  const auto thrown = [](const auto& exception) {
    return error_of(ErrorKind::failed, [&] { with_errors([&] { throw exception; }); });
  };
  EXPECT_NE(thrown(std::bad_alloc()).find("train.micro_batch"), std::string::npos);
  EXPECT_NE(thrown(c10::OutOfMemoryError({"f", "file", 1}, "CUDA out of memory.")).find("train.micro_batch"),
            std::string::npos);
  EXPECT_NE(thrown(c10::Error({"f", "file", 1}, "DefaultCPUAllocator: can't allocate memory: 9 bytes"))
                .find("micro_batch"),
            std::string::npos);
  EXPECT_EQ(thrown(std::runtime_error("plain")), "plain");
  EXPECT_EQ(error_of(ErrorKind::data, [] { with_errors([] { fail(ErrorKind::data, "kept"); }); }), "kept");
  EXPECT_EQ(with_errors([] { return 3; }), 3);
}

}  // namespace
}  // namespace smlp
