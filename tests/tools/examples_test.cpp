// Every example that the program's help prints, run as it is printed.
#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <fstream>
#include <set>

#include "smlp/core/error.hpp"
#include "support/images.hpp"
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Words;
using testing::write_plainly;

// What the lines name is there: data/NAME a packed data set, runs/NAME a run, a file of weights an export of
// one, an image file an image, images/ class folders, an archive CIFAR-10's. They are small, and so is what
// the named configurations train.
class ExamplesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::Files images, archive;
    for (const char* split : {"train", "test"})
      for (int i = 0; i < 20; ++i)
        images.emplace_back(fmt::format("{}/{}/{}.png", split, i % 2 == 0 ? "cat" : "dog", i),
                            testing::png(32, 32, i));
    testing::write_folder(folder_ / "images", images);
    testing::write_cifar10(folder_ / "raw", 10);
    for (const auto& entry : fs::directory_iterator(folder_ / "raw"))
      archive.emplace_back("cifar-10-batches-bin/" + entry.path().filename().string(),
                           testing::read_text(entry.path()));
    testing::write_archive(folder_ / "cifar-10-binary.tar.gz", archive);
    const std::string model = "model: {depth: 1, width: 8}\ndata: {image_size: 8";
    const std::string rest = "}\ntrain: {epochs: 1, batch_size: 32}\n";
    testing::write_folder(folder_ / "configs",
                          {{"quickstart.yaml", model + ", root: shapes, per_class: 4" + rest},
                           {"cifar10_b_mlp.yaml", model + rest},
                           {"sweep.yaml",
                            "base: cifar10_b_mlp.yaml\nsweep: {grid: {model.name: [B-1/8, B-1/16], "
                            "data.fraction: [0.5]}, then: {probe: {base: "
                            "probe.yaml, data: {root: data/cifar10}}}}\n"},
                           {"finetune.yaml", "train: {epochs: 1, batch_size: 32}\n"},
                           {"probe.yaml",
                            "optim: {groups: [{match: head}, {match: \"*\", freeze: true}]}\n"
                            "augment: {crop: null, flip: 0, mixup: 0}\ntrain: {epochs: 1}\n"}});
  }

  static std::string scaling_table() {
    std::string text = "parameters,macs,images,epochs,error\n";
    for (const double size : {4e5, 2e6, 6e6, 2e7})
      for (const double images : {1e4, 4e4, 1e5})
        text += fmt::format("{0},{0},{1},50,{2}\n", size, images,
                            0.3 + 20 / std::sqrt(size) + 60 / std::sqrt(images * 50));
    return text;
  }

  Finished shell(const std::string& line) const {
    const std::string script = fmt::format("cd '{}' && smlp() {{ '{}' \"$@\"; }} && {}",
                                           folder_.path().string(), SMLP_PROGRAM, line);
    return testing::Program(folder_.path(), {"/bin/sh", "-c", script},
                            {{"SMLP_CONFIGS", folder_ / "configs"},
                             {"OMP_WAIT_POLICY", "passive"},
                             {"https_proxy", "http://127.0.0.1:9"}})
        .wait();
  }

  // Makes what a line names: the runs and data sets from those that its predecessors made.
  void provide(const std::string& line) const {
    std::istringstream words(line);
    std::string before;
    for (std::string word; words >> word; before = word) {
      const fs::path path = folder_ / word;
      if (before == "--to" || before == "-o" || fs::exists(path)) continue;
      const auto copy = [&](const char* from) {
        if (fs::exists(folder_ / from)) fs::copy(folder_ / from, path, fs::copy_options::recursive);
      };
      if (word.starts_with("runs/")) copy("runs/b6");
      if (word == "scaling.csv") write_plainly(path, scaling_table());
      if (word == "photos/") copy("images/train");
      if (word.starts_with("data/")) copy("data/cifar10");
      if (word.ends_with(".json") && line.starts_with("smlp bench compare")) copy("before.json");
      if (word.ends_with(".png") || word.ends_with(".jpg")) copy("images/train/cat/0.png");
      const std::string format = word.ends_with(".pt") ? "pt" : "safetensors";
      if (word.ends_with("." + format)) {
        shell(fmt::format("smlp export runs/b6 --format {0} --to {0}", format));
        copy(fmt::format("{0}/model.{0}", format).c_str());
      }
    }
  }

  // The lines of a command's help and of its subcommands', in that order.
  void collect(const std::string& command, std::vector<std::string>& lines) const {
    std::istringstream help(shell(command + " --help").out);
    std::vector<std::string> subcommands;
    std::size_t own = 0;
    bool lists = false;
    const std::regex example("(?:Examples?:)? *(smlp .*)"), listed("  ([a-z]+) .*");
    std::smatch match;
    for (std::string line; std::getline(help, line);) {
      if (std::regex_match(line, match, example)) lines.push_back(match[1]), ++own;
      if (lists && std::regex_match(line, match, listed)) subcommands.push_back(match[1]);
      lists = line == "Subcommands:" || (lists && !line.empty());
    }
    EXPECT_TRUE(own > 0 || command == "smlp") << command << " --help has no example";
    for (const std::string& each : subcommands) collect(command + " " + each, lines);
  }

  const testing::TempDir folder_;
};

TEST_F(ExamplesTest, EveryExampleOfEveryHelpWorksAsPrinted) {
  std::vector<std::string> lines;
  collect("smlp", lines);
  EXPECT_GT(lines.size(), 25u);
  // What makes the data set comes first, then what makes the run, then the rest as it is listed.
  std::ranges::stable_sort(lines, {}, [](const std::string& line) {
    return line.starts_with("smlp pack") ? 0 : line.starts_with("smlp train") ? 1 : 2;
  });
  std::set<std::string> done;
  for (const std::string& line : lines) {
    if (!done.insert(line).second) continue;
    provide(line);
    const bool follows = line.starts_with("smlp runs watch");  // until nobody reads
    const Finished finished = shell(line + (follows ? " | head -n 1" : ""));
    if (line.starts_with("smlp fetch"))
      EXPECT_EQ(finished.code, 1) << line
                                  << " comes as far as the network, where nobody answers: " << finished.err;
    else
      EXPECT_EQ(finished.code, 0) << line << ": " << finished.err;
  }
}

}  // namespace
}  // namespace smlp
