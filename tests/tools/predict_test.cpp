// What a trained model says of images that lie about: `smlp predict`.
#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <fstream>

#include "smlp/core/error.hpp"
#include "smlp/formats/npy.hpp"
#include "support/images.hpp"
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::Finished;
using testing::Words;
using testing::operator+;

class PredictTest : public testing::ProgramFixture {
 protected:
  // Images of many sizes below raw/, packed with `resize`, and a run on them.
  void train_on_files(const std::string& resize) {
    testing::Files files;
    for (const char* split : {"train", "test"})
      for (int i = 0; i < 30; ++i)
        files.emplace_back(fmt::format("{}/{}/{:02}.png", split, "abc"[i % 3], i),
                           testing::png(14 + i % 7, 12 + i % 5, i));
    testing::write_folder(in("raw"), files);
    for (const char* image : {"420.jpg", "alpha.webp"})
      fs::copy(fs::path(SMLP_SOURCE_DIR) / "tests/golden/formats" / image, in("raw/test/b"),
               fs::copy_options::overwrite_existing);
    Finished done =
        run({"pack", "folder", "--from", in("raw"), "--to", in("pack"), "--size", "12", "--resize", resize});
    ASSERT_EQ(done.code, 0) << done.err;
    Words words = train("run", {"--set", "data.image_size=8"}, "2");
    *(std::find(words.begin(), words.end(), "--data") + 1) = in("pack").string();
    done = run(words);
    ASSERT_EQ(done.code, 0) << done.err;
  }

  Finished predict(const Words& more, const testing::Program::Environment& environment = {}) {
    return run(Words{"predict", run_folder("run"), "--device", "cpu", "--precision", "fp32"} + more,
               environment);
  }

  // Fields by image name, without label and what stands before the name's "test/".
  static std::map<std::string, Words> rows(const std::string& csv, bool with_label) {
    std::map<std::string, Words> found;
    std::istringstream lines(csv);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::istringstream fields(line);
      Words words;
      for (std::string field; std::getline(fields, field, ',');) words.push_back(field);
      const std::string name = words[0].substr(words[0].rfind("test/"));
      found[name] = Words(words.begin() + (with_label ? 2 : 1), words.end());
    }
    return found;
  }

  void expect_same(const std::string& evaluated, const std::string& predicted) {
    const auto expected = rows(evaluated, true), found = rows(predicted, false);
    ASSERT_EQ(found.size(), 32u) << predicted;
    ASSERT_EQ(expected.size(), found.size());
    for (const auto& [name, fields] : expected) {
      ASSERT_EQ(found.at(name).size(), fields.size()) << name;
      for (std::size_t k = 0; k < fields.size(); k += 2) {
        EXPECT_EQ(found.at(name)[k], fields[k]) << name;
        EXPECT_NEAR(std::stod(found.at(name)[k + 1]), std::stod(fields[k + 1]), 1e-5) << name;
      }
    }
  }
};

TEST_F(PredictTest, FilesArePreparedAsPackingAndEvaluatingDo) {
  for (const std::string resize : {"crop", "squash"}) {
    fs::remove_all(in("pack"));
    fs::remove_all(in("runs"));
    train_on_files(resize);
    for (const Words& crops : {Words{}, Words{"--tta", "3"}}) {
      const Finished done = run(Words{"eval", run_folder("run"), "--device", "cpu", "--precision", "fp32",
                                      "--predictions", in("p.csv")} +
                                crops);
      ASSERT_EQ(done.code, 0) << done.err;
      const std::string evaluated = testing::read_text(in("p.csv"));
      Finished predicted = predict(Words{in("raw/test"), "--csv", "-b", "7", "--workers", "2"} + crops);
      EXPECT_EQ(predicted.code, 0) << predicted.err;
      expect_same(evaluated, predicted.out);
      predicted = predict(Words{in("pack"), "--csv", "--workers", "0"} + crops);
      EXPECT_EQ(predicted.code, 0) << predicted.err;
      expect_same(evaluated, predicted.out);
    }
  }
}

TEST_F(PredictTest, ABrokenImageIsNamedAndTheOthersGoOn) {
  train_on_files("squash");
  testing::write_folder(in("mixed"), {{"b/broken.jpg", "no picture"},
                                      {"a.png", testing::png(9, 9, 1)},
                                      {"c", testing::png(9, 9, 2)},
                                      {"notes.txt", "text"},
                                      {".hidden.png", "x"}});
  const Finished done =
      predict({in("mixed"), in("missing.png"), "--json", "--top", "2", "--features", in("f.npy"), "-b", "2"});
  EXPECT_EQ(done.code, 3);
  EXPECT_NE(done.err.find("mixed/b/broken.jpg: 10 bytes"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("1 files that are no images"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("2 of 4 images could not be read"), std::string::npos) << done.err;
  std::vector<nlohmann::json> found;
  std::istringstream lines(done.out);
  for (std::string line; std::getline(lines, line);) found.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(found.size(), 4u) << done.out;
  for (const std::size_t i : {0, 2}) {
    EXPECT_EQ(found[i]["name"], (in("mixed") / (i == 0 ? "a.png" : "c")).string());
    EXPECT_EQ(found[i]["top"].size(), 2u);
    EXPECT_GE(found[i]["top"][0]["probability"], found[i]["top"][1]["probability"]);
    EXPECT_EQ(std::string("abc")[found[i]["top"][0]["label"].get<std::size_t>()],
              found[i]["top"][0]["class"].get<std::string>()[0]);
  }
  for (const std::size_t i : {1, 3}) EXPECT_TRUE(found[i].contains("error") && !found[i].contains("top"));
  const NpyFile features(in("f.npy"));
  ASSERT_EQ(features.header().shape, (std::vector<std::int64_t>{4, 16}));
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(std::isnan(reinterpret_cast<const float*>(features.data())[16 * i]), i % 2 == 1) << i;
}

TEST_F(PredictTest, ImagesComeFromStandardInputAndListsToo) {
  train_on_files("squash");
  const fs::path image = in("raw/test/a/00.png");
  const auto shell = [&](const std::string& line) {
    const std::string script = fmt::format("cd '{}' && {}", folder_.path().string(), line);
    return testing::Program(folder_.path(), {"/bin/sh", "-c", script},
                            {{"program", SMLP_PROGRAM},
                             {"predict", std::string(SMLP_PROGRAM) + " predict --device cpu " +
                                             run_folder("run").string()},
                             {"image", image},
                             {"empty", in("empty")}})
        .wait();
  };
  const Finished named = shell("$predict $image");
  ASSERT_EQ(named.code, 0) << named.err;
  EXPECT_TRUE(
      std::regex_search(named.out, std::regex("^.*00.png  [abc] [0-9.]+ %, [abc] .* %, [abc] .* %\n$")))
      << named.out;
  const std::string says = named.out.substr(named.out.find("  "));
  EXPECT_EQ(shell("$predict - < $image").out, "-" + says);
  EXPECT_EQ(shell("printf '%s\\r\\n\\n%s' $image $image | $predict --list -").out, named.out + named.out);
  EXPECT_EQ(shell("printf '%s\\000%s\\000' $image $image | $predict --list -").out, named.out + named.out);
  EXPECT_EQ(shell("$predict - --list - < $image").code, 2);
  EXPECT_EQ(shell("$predict").code, 2);
  EXPECT_TRUE(std::regex_search(shell("$predict shapes").out, std::regex("^0  [abc] [^\n]*\n1  [abc] ")))
      << "the embedded set, as every command takes it";
  EXPECT_EQ(shell("mkdir $empty; $predict $empty").code, 3);
  EXPECT_EQ(shell("$predict $image --features no/such/folder.npy").out, "") << "before anything is computed";
  EXPECT_EQ(shell("cp $image mine.png; $predict mine.png --features mine.png").code, 2);
  EXPECT_EQ(shell("cmp $image mine.png").code, 0) << "an input is no output";
  EXPECT_EQ(shell("touch f.npy; for i in 1 2; do $predict $image --features f.npy || exit; done").code, 0);
  EXPECT_EQ(shell("$predict $image --features " + in("pack/test/images.npy").string()).code, 2) << "a pack's";
  EXPECT_EQ(
      shell("sed -i 1d " + in("pack/test/names.txt").string() + "; $predict " + in("pack").string()).code, 3)
      << "images would have their neighbours' names";
  EXPECT_EQ(shell("mkfifo pipe; timeout --preserve-status 1 $predict pipe").code, 128 + SIGTERM)
      << "a wait for input is no reason not to stop";
  EXPECT_EQ(shell("timeout --preserve-status 1 $program train pipe").code, 128 + SIGTERM);
}

// One that an earlier version wrote says nothing of its images' preparation: its pack does, if it is there.
TEST_F(PredictTest, AnOldCheckpointTakesItsPacksPreparationOrWarns) {
  train_on_files("crop");
  const fs::path state = fs::canonical(run_folder("run") / "checkpoints/last") / "state.json";
  const std::string expected = predict({in("raw/test"), "--csv"}).out;
  auto json = nlohmann::ordered_json::parse(testing::read_text(state));
  ASSERT_EQ(json["preparation"]["resize"], "crop");
  json.erase("preparation");
  std::ofstream(state) << json;
  Finished done = predict({in("raw/test"), "--csv"});
  EXPECT_EQ(done.out, expected);
  EXPECT_EQ(done.err.find("how its images were resized"), std::string::npos) << done.err;
  fs::remove_all(in("pack"));
  done = predict({in("raw/test"), "--csv"});
  EXPECT_EQ(done.code, 0);
  EXPECT_NE(done.err.find("squashed to 8x8"), std::string::npos) << done.err;
  EXPECT_EQ(predict({in("raw/test"), "--csv", "--resize", "crop"}).err, "");
}

}  // namespace
}  // namespace smlp
