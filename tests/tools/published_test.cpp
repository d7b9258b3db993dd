// scripts/check_published.sh, with a server that offers a small run's weights under a published name.
#include <spdlog/fmt/fmt.h>

#include "support/http_server.hpp"
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::Finished;
using testing::HttpRequest;
using testing::HttpServer;
using testing::Program;
using testing::Words;
using testing::operator+;

class PublishedTest : public testing::ProgramFixture {
 protected:
  Finished run_script(const Words& names, const Program::Environment& more = {}) {
    Program::Environment environment{{"SMLP", SMLP_PROGRAM},
                                     {"SMLP_DATA", in("sets")},
                                     {"WEIGHTS", in("weights")},
                                     {"NO_PROXY", "127.0.0.1"}};
    environment.insert(environment.end(), more.begin(), more.end());
    return Program(folder_.path(), Words{SMLP_SOURCE_DIR "/scripts/check_published.sh"} + names, environment)
        .wait();
  }
  Finished check(const std::string& from, const std::string& tolerance) {
    return run_script({name_}, {{"FROM", from}, {"TOLERANCE", tolerance}});
  }

  const std::string name_ = "B_6-Wi_512_res_64_in21k_cifar10";
};

TEST_F(PublishedTest, WeightsAreFetchedImportedAndMeasuredBesideThePublishedAccuracy) {
  ASSERT_EQ(run(train("run", {"--set", "data.image_size=8"}, "1")).code, 0);
  ASSERT_EQ(run({"export", run_folder("run"), "--to", in("export"), "--format", "pt"}).code, 0);
  const std::string weights = testing::read_text(in("export") / "model.pt");
  const HttpServer server(
      [&](const HttpRequest& request, int) { return testing::honest_reply(request, weights); });
  Finished done = check(server.url(), "100");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("skipped: no packed data set in"), std::string::npos) << done.out;
  EXPECT_TRUE(server.requests().empty());

  fs::create_directory(in("sets"));
  fs::create_directory_symlink(data(), in("sets/cifar10"));
  done = check(server.url(), "100");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(server.requests().at(0).path, "/" + name_ + ".pt");
  const auto ours = nlohmann::json::parse(testing::read_text(in("weights") / (name_ + ".json")));
  const std::string row = fmt::format("top1 {:6.2f} %  published  88.5 %", ours["top1"].get<double>());
  EXPECT_NE(done.out.find(row), std::string::npos) << row << "\n" << done.out << done.err;
  done = check(server.url(), "0");
  EXPECT_EQ(done.code, 1) << done.err;
  EXPECT_NE(done.out.find(row + "  OFF"), std::string::npos) << done.out;
  EXPECT_EQ(server.requests().size(), 1u) << "what is there is used";
  EXPECT_EQ(run_script({"B-12/1024"}).code, 2);
}

}  // namespace
}  // namespace smlp
