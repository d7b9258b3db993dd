#include "smlp/run/sessions.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;

TEST(Sessions, ACommandIsALineThatAShellReads) {
  EXPECT_EQ(shell_line({"smlp", "train", "--set", "a=[1, 2]", "it's", "", "--lr=1e-3"}),
            "smlp train --set 'a=[1, 2]' 'it'\\''s' '' --lr=1e-3");
}

TEST(Sessions, ASessionBeginsAfterThoseBeforeAndSaysHowItEnded) {
  testing::TempDir folder;
  const std::string first =
      R"({"command": "smlp train", "host": "a", "process": 1, "start": "then", "later": {"key": [1]}})";
  testing::write_plainly(folder / "env.json", R"({"smlp": "0", "sessions": [)" + first + "]}");
  Json env{{"smlp", "0.1"}, {"sessions", with_new_session(folder.path())}};
  ASSERT_EQ(env["sessions"].size(), 2u);
  EXPECT_EQ(env["sessions"][0], Json::parse(first)) << "what another version says of its own stays";
  EXPECT_EQ(env["sessions"][1]["process"], ::getpid());
  EXPECT_NE(env["sessions"][1]["command"].get<std::string>().find("tests"), std::string::npos)
      << env["sessions"][1]["command"];
  testing::write_plainly(folder / "env.json", env.dump());
  end_last_session(folder.path(), SessionEnd::failed, "no space");
  const std::vector<RunSession> sessions = read_sessions(folder.path());
  ASSERT_EQ(sessions.size(), 2u);
  EXPECT_EQ(sessions[0].exit, "");
  EXPECT_EQ(sessions[1].exit, "failed");
  EXPECT_EQ(sessions[1].reason, "no space");
  const std::regex utc("2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z");
  EXPECT_TRUE(std::regex_match(sessions[1].start, utc)) << sessions[1].start;
  EXPECT_TRUE(std::regex_match(sessions[1].end, utc)) << sessions[1].end;
}

TEST(Sessions, OfAnEarlierVersionThereAreNoneAndDamageIsRefused) {
  testing::TempDir folder;
  EXPECT_TRUE(read_sessions(folder.path()).empty());
  EXPECT_TRUE(parse_sessions(R"({"smlp": "0.1.0"})", "env.json").empty());
  for (const char* text :
       {"", "[]", R"({"sessions": {}})", R"({"sessions": [1]})", R"({"sessions": [{"command": "a"}]})",
        R"({"sessions": [{"command": 1, "host": "a", "process": 1, "start": "b"}]})"})
    EXPECT_NE(testing::error_of(ErrorKind::data, [&] { parse_sessions(text, "env.json"); }).find("env.json"),
              std::string::npos)
        << text;
}

}  // namespace
}  // namespace smlp
