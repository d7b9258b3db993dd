#include "smlp/train/config_files.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "smlp/models/registry.hpp"
#include "smlp/optim/registry.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

TEST(RunConfig, EveryShippedConfigurationLoadsAndPrintsBackToItself) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(SMLP_SOURCE_DIR) / "configs")) {
    const RunConfig config = load_run_config(entry.path().string(), {});
    const std::string printed = config.yaml();
    EXPECT_EQ(parse_run_config(printed, "printed", {}).yaml(), printed) << entry.path();
    const std::string text = [&] {
      std::ifstream file(entry.path());
      std::string first;
      std::getline(file, first);
      return first;
    }();
    EXPECT_EQ(text.substr(0, 2), "# ") << entry.path() << " opens with its command";
    ++count;
  }
  EXPECT_GE(count, 5);
}

TEST(RunConfig, EveryFamilyPrintsAndReadsBack) {
  for (const auto& model : model_table())
    for (const auto& optimizer : optimizer_table())
      for (const auto& schedule : schedule_table()) {
        std::vector<ConfigNode> overrides;
        overrides.push_back(make_override("model.name", model.name, "test"));
        overrides.push_back(make_override("optim.name", optimizer.name, "test"));
        overrides.push_back(make_override("schedule.name", schedule.name, "test"));
        overrides.push_back(parse_override("optim.groups=[{match: 'linear_out.*', lr: 0.01, freeze: true}]"));
        const RunConfig config = load_run_config(std::nullopt, std::move(overrides));
        EXPECT_EQ(parse_run_config(config.yaml(), "printed", {}).yaml(), config.yaml());
      }
}

TEST(RunConfig, LayersAreDefaultBaseFileCommandLine) {
  const testing::TempDir folder;
  write(folder / "base.yaml", "train: {epochs: 2, batch_size: 32}\nmodel: {name: s_mlp, depth: 3}\n");
  write(folder / "top.yaml", "base: base.yaml\ntrain: {epochs: 3}\n");
  std::vector<ConfigNode> overrides;
  overrides.push_back(parse_override("train.log_every=7"));
  const RunConfig config = load_run_config((folder / "top.yaml").string(), std::move(overrides));
  EXPECT_EQ(config.train.epochs, 3);
  EXPECT_EQ(config.train.batch_size, 32);
  EXPECT_EQ(config.train.log_every, 7);
  EXPECT_EQ(config.model.name, "s_mlp");

  write(folder / "deep.yaml", "base: top.yaml\n");
  const std::string message =
      testing::error_of(ErrorKind::usage, [&] { load_run_config((folder / "deep.yaml").string(), {}); });
  EXPECT_NE(message.find("one level"), std::string::npos) << message;
}

TEST(RunConfig, PublishedNamesSetDepthWidthAndImageSize) {
  std::vector<ConfigNode> overrides;
  overrides.push_back(make_override("model.name", "B_12-Wi_768_res_32_in21k", "--model"));
  overrides.push_back(make_override("optim.lr", "0.5", "--lr"));
  overrides.push_back(make_override("optim.name", "sgd", "--opt"));
  const RunConfig config = load_run_config(std::nullopt, std::move(overrides));
  EXPECT_EQ(config.data.image_size, 32);
  EXPECT_NE(config.yaml().find("width: 768"), std::string::npos);
  EXPECT_EQ(config.optim->lr, 0.5) << "the order of flags does not matter";
}

// A checkpoint, a file and a command line of an earlier version still mean what they meant.
TEST(RunConfig, KeysOfEarlierVersionsAreReadUnderTheirPresentNames) {
  const RunConfig stored = parse_run_config(
      "model: {name: b_mlp, init_from: runs/a, new_head: true, head_init: zero}", "state.json", {});
  EXPECT_EQ(stored.init.from, "runs/a");
  EXPECT_TRUE(stored.init.new_head);
  EXPECT_EQ(stored.init.head, InitConfig::Head::zero);
  EXPECT_EQ(stored.yaml().find("init_from"), std::string::npos);

  std::vector<ConfigNode> overrides;
  overrides.push_back(parse_override("model.new_head=true"));
  overrides.push_back(parse_override("model.name=s_mlp"));
  const RunConfig said = load_run_config(std::nullopt, std::move(overrides));
  EXPECT_TRUE(said.init.new_head) << "it does not belong to a family";

  overrides.clear();
  overrides.push_back(parse_override("model.init_from=a"));
  overrides.push_back(parse_override("init.from=b"));
  const std::string message =
      testing::error_of(ErrorKind::usage, [&] { load_run_config(std::nullopt, std::move(overrides)); });
  EXPECT_NE(message.find("model.init_from is init.from"), std::string::npos) << message;
}

TEST(RunConfig, WhatARunResolvedIsReadFromItsFileAndNotSet) {
  const std::string yaml =
      "resolved: {device: cuda, precision: bf16, workers: 3, mean: [0.1, 0.2, 0.3], std: [1, 1, 1]}";
  const RunConfig run = parse_run_config(yaml, "config.yaml", {});
  EXPECT_EQ(run.resolved->precision, Precision::bf16);
  EXPECT_EQ(parse_run_config(run.yaml(), "printed", {}).resolved->mean, run.resolved->mean);
  testing::error_of(ErrorKind::usage, [] { parse_run_config("resolved: {mean: [1]}", "config.yaml", {}); });
  std::vector<ConfigNode> overrides;
  overrides.push_back(parse_override("resolved.precision=fp32"));
  const std::string message =
      testing::error_of(ErrorKind::usage, [&] { load_run_config(std::nullopt, std::move(overrides)); });
  EXPECT_NE(message.find("resolved.precision"), std::string::npos) << message;
}

}  // namespace
}  // namespace smlp
