// What takes minutes: scripts/test.sh --long.
#include <gtest/gtest.h>

#include <regex>

#include "support/program.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::Program;

double last_top1(const std::vector<std::string>& more) {
  const testing::TempDir folder;
  std::vector<std::string> words{SMLP_PROGRAM,      "train",    "--config",
                                 "quickstart.yaml", "--output", folder / "runs"};
  words.insert(words.end(), more.begin(), more.end());
  const Finished done = Program(folder.path(), words).wait();
  EXPECT_EQ(done.code, 0) << done.err;
  std::smatch found;
  if (!std::regex_search(done.out, found, std::regex("last .* top1 +([0-9.]+) %  top5")))
    ADD_FAILURE() << done.out;
  return found.empty() ? 0 : std::stod(found[1]);
}

TEST(LongQuickstart, ItsMlpPasses85PercentOnTheEmbeddedShapes) {
  EXPECT_GE(last_top1({}), 85);
}

// S-MLP of depth 1 is two linear maps in a row.
TEST(LongQuickstart, ALinearModelStaysBelow60Percent) {
  EXPECT_LT(last_top1({"--model", "s_mlp", "--set", "model.depth=1", "--set", "model.width=256"}), 60);
}

}  // namespace
}  // namespace smlp
