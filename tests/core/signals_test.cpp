#include "smlp/core/signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

TEST(StopSignals, AreNotedOnceAndTheFirstOneCounts) {
  EXPECT_EXIT(
      {
        catch_stop_signals();
        const int before = stop_signal();
        raise(SIGTERM);
        raise(SIGTERM);  // the same request, sent to the process and to its group
        raise(SIGINT);
        std::_Exit(before == 0 && stop_signal() == SIGTERM ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(StopSignals, AreThoseOfTerminalsAndSchedulersUnlessTheyCameIgnored) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) {
    EXPECT_EXIT(
        {
          catch_stop_signals();
          raise(number);
          std::_Exit(stop_signal() == number ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "");
    EXPECT_EXIT(
        {
          signal(number, SIG_IGN);
          catch_stop_signals();
          keep_stop_signals("");
          raise(number);
          std::_Exit(stop_signal());
        },
        ::testing::ExitedWithCode(0), "");
  }
}

TEST(StopSignals, OnlyThoseThatAreNamedStayCaught) {
  EXPECT_EXIT(
      {
        catch_stop_signals();
        keep_stop_signals("USR1, TERM");
        raise(SIGUSR1);
        raise(SIGINT);
      },
      ::testing::KilledBySignal(SIGINT), "");
  for (const char* names : {"KILL", "USR1,,TERM", "SIGUSR1", "usr1"})
    EXPECT_NE(testing::error_of(ErrorKind::usage, [&] { check_stop_signals(names); }).find(names),
              std::string::npos);
}

TEST(StopSignals, EndTheProcessWhenRepeated) {
  EXPECT_EXIT(
      {
        catch_stop_signals();
        while (true) raise(SIGINT);
      },
      ::testing::KilledBySignal(SIGINT), "");
}

TEST(SizeLimits, AreErrorsOfTheWrite) {
  const testing::TempDir folder;
  EXPECT_EXIT(
      {
        report_size_limits();
        rlimit limit{};
        limit.rlim_cur = limit.rlim_max = 1000;
        setrlimit(RLIMIT_FSIZE, &limit);
        try {
          write_file_atomically(folder / "file", std::string(5000, 'x'));
        } catch (const Error& error) {
          std::fputs(error.what(), stderr);
        }
        std::_Exit(std::filesystem::is_empty(folder.path()) ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "File too large");
}

TEST(LostMapping, EndsWithAMessageAndExitCode3) {
  const testing::TempDir folder;
  write_file_atomically(folder / "file", std::string(100'000, 'x'));
  EXPECT_EXIT(
      {
        report_lost_mappings();
        const MappedFile file(folder / "file");
        std::filesystem::resize_file(folder / "file", 0);
        volatile std::byte touched = file.bytes()[50'000];
        (void)touched;
      },
      ::testing::ExitedWithCode(3), "became shorter or unreadable.*--resume auto");
}

}  // namespace
}  // namespace smlp
