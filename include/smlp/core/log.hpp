#pragma once
#include <spdlog/logger.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace smlp {

// The program's log: to standard error ("message", "warning: message", "error: message"), coloured when that
// is a terminal and NO_COLOR is not set, and to log files while they are attached. Results go to standard
// output, never here.
spdlog::logger& log();

// Lines also go to `path`, cut to `size` bytes (nullopt: left as it is), with their time and level, for as
// long as the object lives. Error(failed) where it cannot be opened; a line that could not be written is
// reported by sync().
class LogFile {
 public:
  explicit LogFile(const std::filesystem::path& path, std::optional<std::uint64_t> size = std::nullopt);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  std::uint64_t size();  // of the lines so far; what went wrong with one of them is thrown
  void sync();           // makes them last; may run beside logging

 private:
  class Sink;
  std::shared_ptr<Sink> sink_;
};

// True when standard error is a terminal that can be drawn on: no bar and no colour otherwise.
bool terminal_output();

// One line of progress on standard error, redrawn in place at most ten times a second, cut to the terminal's
// width: title, bar, done/total, time since the bar was made, time left (from the pace since the first
// update), the caller's text. Log lines print above it. One bar is shown at a time; update() may be called
// from any thread. Silent when terminal_output() is false.
class ProgressBar {
 public:
  ProgressBar(std::string title, std::int64_t total);
  ~ProgressBar();  // removes the line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(std::int64_t done, const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;
  std::string line(std::int64_t done, const std::string& text, Clock::time_point now) const;

  std::string title_;
  std::int64_t total_;
  bool shown_;
  Clock::time_point started_, first_update_{}, last_drawn_{};
  std::int64_t first_done_ = -1;
};

}  // namespace smlp
