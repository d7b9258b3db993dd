#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/raw_data.hpp"
#include "support/temp_dir.hpp"

namespace smlp::testing {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

inline Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class ProgramFixture : public ::testing::Test {
 protected:
  // One packed set of 500 training and 100 test images for all tests.
  static void SetUpTestSuite() {
    shared_ = new TempDir;
    write_cifar10(*shared_ / "raw", 100);
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

  // Where a run goes, and what makes it the same everywhere.
  Words placed(const std::string& name) const {
    return {"--name", name,    "--output",         in("runs"),    "--device",
            "cpu",    "--set", "device.threads=1", "--precision", "fp32"};
  }
  // A small run of 32 steps: four epochs of 500 images in batches of 64.
  Words train(const std::string& name, const Words& more = {}, const std::string& epochs = "4") const {
    return Words{"train",
                 "--config",
                 "cifar10_b_mlp.yaml",
                 "--data",
                 data(),
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
                 "augment.flip=0.5"} +
           placed(name) + more;
  }
  Words resumable(const std::string& name, const Words& more = {}, const std::string& epochs = "4") const {
    return train(name, Words{"--set", "checkpoint.every_steps=5", "--resume", "auto"} + more, epochs);
  }
  fs::path run_folder(const std::string& name) const { return in("runs") / name; }

  TempDir folder_;
  inline static TempDir* shared_ = nullptr;
};
// The log of a run without what depends on the clock.
inline std::string timeless_metrics(const fs::path& run) {
  std::istringstream lines(read_text(run / "metrics.jsonl"));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    auto json = nlohmann::ordered_json::parse(line);
    for (const char* key : {"images_per_s", "data_wait", "train_seconds", "memory"}) json.erase(key);
    text += json.dump() + "\n";
  }
  return text;
}

inline std::string timeless_log(const fs::path& run, const std::string& name) {
  std::string text = read_text(run / "log.txt");
  text = std::regex_replace(text, std::regex("(^|\n)[0-9-]{10} [0-9:.]{12}"), "$1");
  text = std::regex_replace(text, std::regex("  [0-9.]+ s  [0-9]+ images/s"), "");
  return std::regex_replace(text, std::regex("runs/" + name), "runs/RUN");
}

inline void expect_same_run(const fs::path& a, const fs::path& b) {
  for (const std::string file :
       {"checkpoints/last/model.safetensors", "checkpoints/last/optimizer.safetensors", "summary.csv"})
    EXPECT_EQ(read_text(a / file), read_text(b / file)) << file << " of " << b;
  EXPECT_EQ(timeless_metrics(a), timeless_metrics(b));
  EXPECT_EQ(timeless_log(a, a.filename()), timeless_log(b, b.filename()));
}

}  // namespace smlp::testing
