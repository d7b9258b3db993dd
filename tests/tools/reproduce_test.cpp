// scripts/reproduce on stand-in data: the same small packs under the names of the real ones.
#include <gtest/gtest.h>

#include "support/program_fixture.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::Finished;
using testing::Program;
using testing::Words;

class ReproduceTest : public testing::ProgramFixture {
 protected:
  void SetUp() override {
    fs::create_directory(in("sets"));
    for (const char* set : {"cifar10", "tiny-imagenet"})
      fs::create_directory_symlink(data(), in("sets") / set);
  }

  Finished reproduce(const std::string& script, const std::string& scale) {
    return Program(folder_.path(), {SMLP_SOURCE_DIR "/scripts/reproduce/" + script + ".sh"},
                   {{"SMLP", SMLP_PROGRAM}, {"SMLP_DATA", in("sets")}, {"OUT", in("out")}, {"SCALE", scale}})
        .wait();
  }

  // The fields of every line after the first of OUT/NAME.csv: row, set, ours, paper.
  std::vector<Words> results(const std::string& name) {
    std::istringstream file(testing::read_text(in("out") / (name + ".csv")));
    std::vector<Words> rows;
    for (std::string line; std::getline(file, line);) {
      std::smatch f;
      EXPECT_TRUE(std::regex_match(line, f, std::regex("\"?([^\"]*?)\"?,([^,]*),([^,]*),([^,]*)"))) << line;
      rows.push_back({f[1], f[2], f[3], f[4]});
    }
    EXPECT_GT(rows.size(), 1u) << name;
    if (!rows.empty()) rows.erase(rows.begin());
    return rows;
  }

  void expect_all_measured(const std::string& script) {
    const Finished done = reproduce(script, "small");
    ASSERT_EQ(done.code, 0) << script << "\n" << done.out << done.err;
    EXPECT_NE(done.out.find("cost of what is not done yet"), std::string::npos) << done.out;
    for (const Words& row : results(script))
      EXPECT_TRUE(std::regex_match(row[2], std::regex("-?[0-9.]+")))
          << script << " " << row[0] << ": " << row[2];
  }
};

TEST_F(ReproduceTest, ModelsHaveThePapersNumberOfParameters) {
  const Finished done = reproduce("table3", "full");
  ASSERT_EQ(done.code, 0) << done.err;
  const std::vector<Words> rows = results("table3");
  ASSERT_EQ(rows.size(), 6u);
  for (const Words& row : rows) EXPECT_NEAR(std::stod(row[2]), std::stod(row[3]), 1) << row[0];
}

TEST_F(ReproduceTest, AbsentDataSetsAreSkippedByName) {
  const Finished done = reproduce("table6", "full");
  ASSERT_EQ(done.code, 0) << done.out << done.err;
  for (const char* set : {"imagenet21k", "cifar100", "stl10", "imagenet"})
    EXPECT_NE(done.err.find(std::string("skipped: ") + set + ": no packed data set"), std::string::npos)
        << set;
  EXPECT_EQ(done.err.find("skipped: cifar10:"), std::string::npos);
  const std::vector<Words> rows = results("table6");
  ASSERT_EQ(rows.size(), 15u);
  EXPECT_EQ(rows[0], (Words{"B-6/1024", "cifar10", "-", "65.1"}));
  EXPECT_EQ(reproduce("table6", "tiny").code, 2);
}

TEST_F(ReproduceTest, AFigureIsMadeOnceAndItsRunsAreUsedAgain) {
  expect_all_measured("figure10");
  EXPECT_TRUE(fs::exists(in("out/figure10.png")));
  const auto made = fs::last_write_time(in("out/b6/config.yaml"));
  const Finished again = reproduce("figure10", "small");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.out.find("0 trainings"), std::string::npos) << again.out;
  EXPECT_EQ(fs::last_write_time(in("out/b6/config.yaml")), made);
}

class LongReproduce : public ReproduceTest {};

TEST_F(LongReproduce, EveryScriptFillsEveryRow) {
  for (const char* script :
       {"table1", "table2", "table3", "table4", "table5", "table6", "table8", "figure10", "figure11"})
    expect_all_measured(script);
  const Words second = results("table1").at(1);
  EXPECT_EQ(second[1], "tiny-imagenet");
  EXPECT_EQ(second[3], "8.5") << "the paper's value for this set, not for its second column";
}

}  // namespace
}  // namespace smlp
