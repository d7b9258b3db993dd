// Benchmarks as a user takes and compares them.
#include <fstream>
#include <set>

#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Words;
using testing::operator+;

class BenchTest : public testing::ProgramFixture {
 protected:
  Finished bench(const Words& words) { return run(Words{"bench"} + words); }
  std::string json_of(const std::string& name, const Words& words) {
    const Finished measured = bench(
        words + Words{"--json", "--device", "cpu", "--precision", "fp32", "-b", "32", "--repeats", "2"});
    EXPECT_EQ(measured.code, 0) << measured.err;
    const auto rows = nlohmann::json::parse(measured.out)["rows"];
    for (const auto& row : rows)
      for (const char* key :
           {"images_per_s", "spread", "of_limit", "revision", "processor", "threads", "precision", "memory"})
        EXPECT_TRUE(row.contains(key)) << key;
    std::ofstream(in(name)) << measured.out;
    return in(name);
  }
};

TEST_F(BenchTest, MeasuresAndComparesWithTheFlagsOfTraining) {
  const Words step{"step", "--model", "B-2/16", "--classes", "7", "--set", "data.image_size=8"};
  const std::string a = json_of("a.json", step), b = json_of("b.json", step);
  const Finished compared = bench({"compare", a, b});
  EXPECT_EQ(compared.code, 0) << compared.err;
  EXPECT_NE(compared.out.find("b_mlp (depth 2, width 16)"), std::string::npos) << compared.out;
  const std::string loader = json_of("loader.json", {"loader", "--data", data()});
  EXPECT_EQ(bench({"compare", a, loader}).code, 3) << "nothing in common";
  json_of("models.json", {"models", "b_mlp", "S-2/16", "--set", "data.image_size=8"});
  json_of("epoch.json", {"epoch", "--model", "B-2/16", "--data", data(), "--set", "data.image_size=8"});
}

TEST_F(BenchTest, StructuredLayersAreMeasuredBesideDenseOnes) {
  const Words words{"structured", "--widths", "64,128", "-b", "8", "--repeats", "1", "--device", "cpu"};
  const Finished table = bench(words + Words{"--precision", "bf16"}),
                 json = bench(words + Words{"--precision", "fp32", "--json"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_NE(table.out.find("btt (rank 4)"), std::string::npos) << table.out;
  const auto found = nlohmann::json::parse(json.out);
  std::set<std::string> structures;
  for (const auto& row : found["rows"]) structures.insert(row["model"]);
  EXPECT_EQ(found["rows"].size(), 2 * structures.size());
  EXPECT_EQ(found["crossovers"].size(), structures.size() - 1) << "of each but dense";
  std::ofstream(in("structured.json")) << json.out;
  EXPECT_EQ(bench({"compare", in("structured.json"), in("structured.json")}).code, 0);
}

TEST_F(BenchTest, PackingIsMeasuredAndLeavesNothing) {
  testing::write_cifar10(in("raw"), 20);
  std::filesystem::create_directory(in("scratch"));
  const Words words{"pack",      "cifar10",     "--from",    in("raw"), "--size", "16",
                    "--scratch", in("scratch"), "--repeats", "2",       "--json"};
  const Finished measured = bench(words);
  ASSERT_EQ(measured.code, 0) << measured.err;
  const auto row = nlohmann::json::parse(measured.out)["rows"][0];
  EXPECT_EQ(row["batch_size"], 120);
  EXPECT_EQ(row["image_size"], 16);
  EXPECT_GT(row["images_per_s"], 0);
  EXPECT_TRUE(std::filesystem::is_empty(in("scratch")));
  EXPECT_EQ(bench({"pack", "cifar10", "--from", in("nowhere"), "--scratch", in("scratch")}).code, 3);
  EXPECT_EQ(bench({"pack", "cifar10", "--from", in("raw"), "--scratch", in("nowhere")}).code, 2);
  EXPECT_TRUE(std::filesystem::is_empty(in("scratch")));
}

TEST_F(BenchTest, RefusesWhatItCannotMeasure) {
  EXPECT_EQ(bench({}).code, 2);
  EXPECT_EQ(bench({"step", "--model", "Z-2/16"}).code, 2);
  EXPECT_EQ(bench({"step", "--repeats", "0"}).code, 2);
  EXPECT_EQ(bench({"structured", "--widths", "97", "-b", "8"}).code, 2) << "no structure splits it";
  for (const char* what : {"loader", "epoch", "tta"}) {
    EXPECT_EQ(bench({what, "--data", in("nowhere")}).code, 3);
    EXPECT_EQ(bench({what}).code, 2) << "on which data?";
  }
  EXPECT_EQ(bench({"compare", in("nowhere.json"), in("nowhere.json")}).code, 3);
}

}  // namespace
}  // namespace smlp
