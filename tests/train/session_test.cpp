#include "smlp/train/session.hpp"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <new>
#include <regex>

#include "smlp/core/files.hpp"
#include "smlp/device/errors.hpp"
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

TEST(Session, ADryRunSaysTheCostAndMakesNothing) {
  const TempDir folder;
  const Outcome planned = run_session(small_config(folder / "runs"), {.dry_run = true});
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
