#include "smlp/core/log.hpp"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "smlp/core/files.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::TempDir;

// What `body` writes to standard error when that is a terminal of `columns` columns.
template <class Body>
std::string on_terminal(unsigned short columns, const Body& body) {
  int terminal = -1;
  const winsize size{24, columns, 0, 0};
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    body();
    std::_Exit(0);
  }
  std::string output;
  char buffer[4096];
  for (ssize_t got; (got = read(terminal, buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<std::size_t>(got));
  close(terminal);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return output;
}

TEST(Log, PrintsTheLevelOnlyWhereItMatters) {
  ::testing::internal::CaptureStderr();
  log().info("step {}", 1);
  log().warn("slow");
  log().error("gone");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "step 1\nwarning: slow\nerror: gone\n");
}

TEST(LogFile, KeepsLinesWithTimeAndLevelWhileItLives) {
  const TempDir folder;
  write_file_atomically(folder / "log.txt", "before\n");
  ::testing::internal::CaptureStderr();
  {
    LogFile file(folder / "log.txt");
    log().info("inside");
    file.sync();
    log().warn("beware");
  }
  log().info("outside");
  ::testing::internal::GetCapturedStderr();
  std::string text = read_file(folder / "log.txt", 1000);
  for (char& c : text)
    if (c >= '0' && c <= '9') c = '0';
  EXPECT_EQ(text,
            "before\n"
            "0000-00-00 00:00:00.000 info inside\n"
            "0000-00-00 00:00:00.000 warning beware\n");
}

TEST(LogFile, ThatCannotBeOpenedIsAnError) {
  const TempDir folder;
  fs::create_directory(folder / "log.txt");
  EXPECT_NE(error_of(ErrorKind::failed, [&] { LogFile(folder / "log.txt"); }).find("log.txt"),
            std::string::npos);
}

TEST(ProgressBar, IsSilentWithoutATerminal) {
  ::testing::internal::CaptureStderr();
  {
    ProgressBar bar("packing", 10);
    bar.update(3, "text");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(ProgressBar, IsRedrawnBelowLogLinesAndRemoved) {
  const std::string output = on_terminal(120, [] {
    ProgressBar bar("packing", 10);
    bar.update(5, "halfway");
    bar.update(6, "too soon to draw");
    log().info("a line");
  });
  const std::string line = "packing [############............] 5/10 0:00 left -:-- halfway";
  EXPECT_EQ(output, "\r" + line + "\x1b[K" + "\r\x1b[K" + "a line\r\n" + line + "\r\x1b[K");
}

TEST(ProgressBar, IsCutToTheTerminalsWidthBetweenCharacters) {
  const std::string output = on_terminal(9, [] { ProgressBar("größenmaß", 10).update(5, ""); });
  EXPECT_EQ(output, "\rgrößenma\x1b[K\r\x1b[K");
  EXPECT_EQ(on_terminal(6, [] { ProgressBar("猫猫猫", 10).update(5, ""); }), "\r猫猫\x1b[K\r\x1b[K");
}

TEST(ProgressBar, IsShownWithoutColour) {
  const std::string output = on_terminal(10, [] {
    setenv("NO_COLOR", "1", 1);
    ProgressBar("packing", 10).update(5, "");
  });
  EXPECT_EQ(output, "\rpacking [\x1b[K\r\x1b[K");
}

TEST(Log, ColoursLevelsOnATerminal) {
  EXPECT_EQ(on_terminal(80, [] { log().warn("slow"); }), "\x1b[33mwarning:\x1b[0m slow\r\n");
  EXPECT_EQ(on_terminal(80,
                        [] {
                          setenv("NO_COLOR", "1", 1);
                          log().warn("slow");
                        }),
            "warning: slow\r\n");
}

}  // namespace
}  // namespace smlp
