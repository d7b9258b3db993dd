#include "smlp/core/log.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

// What standard error shows: finished lines, and below them the bar's line while there is one.
class Screen {
 public:
  std::mutex mutex;

  void print(const std::string& text) {
    clear_bar();
    put(text);
    put(bar_);
  }
  void show_bar(std::string line) {
    bar_ = std::move(line);
    put("\r" + bar_ + "\x1b[K");
  }
  void remove_bar() {
    clear_bar();
    bar_.clear();
  }

 private:
  void clear_bar() {
    if (!bar_.empty()) put("\r\x1b[K");
  }
  static void put(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }

  std::string bar_;
};

Screen& screen() {
  static Screen& instance = *new Screen;  // outlives everything that may still log
  return instance;
}

// https://no-color.org
bool coloured_output() {
  const char* const no_colour = std::getenv("NO_COLOR");
  return terminal_output() && (no_colour == nullptr || *no_colour == '\0');
}

class ScreenSink : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::lock_guard lock(screen().mutex);
    screen().print(prefix(message.level) + std::string(message.payload.data(), message.payload.size()) +
                   "\n");
  }
  void flush_() override {}

 private:
  static std::string prefix(spdlog::level::level_enum level) {
    const bool colour = coloured_output();
    if (level >= spdlog::level::err) return colour ? "\x1b[31merror:\x1b[0m " : "error: ";
    if (level == spdlog::level::warn) return colour ? "\x1b[33mwarning:\x1b[0m " : "warning: ";
    return "";
  }
};

struct Log {
  Log() { logger.flush_on(spdlog::level::warn); }

  std::shared_ptr<spdlog::sinks::dist_sink_mt> files = std::make_shared<spdlog::sinks::dist_sink_mt>();
  spdlog::logger logger{"smlp", {std::make_shared<ScreenSink>(), files}};
};

Log& shared_log() {
  static Log& instance = *new Log;
  return instance;
}

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

spdlog::logger& log() {
  return shared_log().logger;
}

class LogFile::Sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  Sink(const std::filesystem::path& path, std::optional<std::uint64_t> size) : file_(path, size) {
    set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  }

  std::uint64_t size() {
    const std::lock_guard lock(mutex_);
    if (problem_) std::rethrow_exception(problem_);
    return file_.size();
  }
  void sync() const { file_.sync(); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    try {
      file_.write({line.data(), line.size()});
    } catch (const Error&) {
      problem_ = std::current_exception();  // who logs does not expect it
    }
  }
  void flush_() override {}

 private:
  AppendFile file_;
  std::exception_ptr problem_;
};

LogFile::LogFile(const std::filesystem::path& path, std::optional<std::uint64_t> size)
    : sink_(std::make_shared<Sink>(path, size)) {
  shared_log().files->add_sink(sink_);
}

LogFile::~LogFile() {
  shared_log().files->remove_sink(sink_);
}

std::uint64_t LogFile::size() {
  return sink_->size();
}

void LogFile::sync() {
  sink_->sync();
}

bool terminal_output() {
  const char* const terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

ProgressBar::ProgressBar(std::string title, std::int64_t total)
    : title_(std::move(title)), total_(total), shown_(terminal_output()), started_(Clock::now()) {}

ProgressBar::~ProgressBar() {
  if (!shown_) return;
  const std::lock_guard lock(screen().mutex);
  screen().remove_bar();
}

void ProgressBar::update(std::int64_t done, const std::string& text) {
  if (!shown_) return;
  const std::lock_guard lock(screen().mutex);
  const auto now = Clock::now();
  if (first_done_ < 0) {
    first_done_ = done;
    first_update_ = now;
  } else if (now - last_drawn_ < std::chrono::milliseconds(100)) {
    return;
  }
  last_drawn_ = now;
  screen().show_bar(std::string(cut_to_width(line(done, text, now), terminal_columns() - 1)));
}

std::string ProgressBar::line(std::int64_t done, const std::string& text, Clock::time_point now) const {
  constexpr int cells = 24;
  const double fraction = total_ > 0 ? std::clamp(double(done) / double(total_), 0.0, 1.0) : 0.0;
  const int filled = static_cast<int>(fraction * cells);
  std::string left = "-:--";
  if (done > first_done_)
    left = duration(seconds_between(first_update_, now) * double(std::max<std::int64_t>(0, total_ - done)) /
                    double(done - first_done_));
  return fmt::format("{} [{}{}] {}/{} {} left {} {}", title_, std::string(filled, '#'),
                     std::string(cells - filled, '.'), done, total_, duration(seconds_between(started_, now)),
                     left, text);
}

}  // namespace smlp
