#include "smlp/core/signals.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <vector>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

constexpr std::int64_t same_request = 200'000'000;  // nanoseconds

std::atomic<int> first_signal{0};
std::atomic<std::int64_t> first_time[NSIG] = {};  // of each signal; 0: not yet
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec + 1;
}

void note_stop(int number) {
  const int saved_errno = errno;
  auto& first = first_time[number];
  std::int64_t unset = 0;
  const std::int64_t time = now();
  if (!first.compare_exchange_strong(unset, time) && time - unset > same_request) {
    ::signal(number, SIG_DFL);
    ::raise(number);
  }
  int none = 0;
  first_signal.compare_exchange_strong(none, number);
  errno = saved_errno;
}

constexpr std::string_view lost_mapping =
    "\nerror: a mapped file became shorter or unreadable while in use; check the data and start again with "
    "--resume auto\n";

void end_for_lost_mapping(int) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, lost_mapping.data(), lost_mapping.size());
  ::_exit(3);
}

void install(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
}

bool has_handler(int number, void (*handler)(int)) {
  struct sigaction action {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == handler;
}

struct NamedSignal {
  const char* name;
  int number;
};
constexpr NamedSignal stop_signals[] = {
    {"INT", SIGINT}, {"TERM", SIGTERM}, {"HUP", SIGHUP}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}};

std::vector<std::string> words_of(const std::string& names) {
  std::vector<std::string> words{""};
  for (const char c : names)
    if (c == ',')
      words.emplace_back();
    else if (c != ' ')
      words.back() += c;
  return names.empty() ? std::vector<std::string>{} : words;
}

}  // namespace

void catch_stop_signals() {
  for (const NamedSignal& each : stop_signals)
    if (!has_handler(each.number, SIG_IGN)) install(each.number, note_stop);
}

void check_stop_signals(const std::string& names) {
  for (const std::string& word : words_of(names))
    if (std::ranges::none_of(stop_signals, [&](const NamedSignal& each) { return each.name == word; }))
      fail(ErrorKind::usage, "run.stop_signals is '{}', expected some of {}, commas between, or '' for none",
           names, all_stop_signals);
}

void keep_stop_signals(const std::string& names) {
  check_stop_signals(names);
  const std::vector<std::string> kept = words_of(names);
  for (const NamedSignal& each : stop_signals)
    if (std::ranges::find(kept, each.name) == kept.end() && has_handler(each.number, note_stop))
      install(each.number, SIG_DFL);
}

int stop_signal() {
  return first_signal;
}

void report_size_limits() {
  install(SIGXFSZ, SIG_IGN);
}

void report_lost_mappings() {
  install(SIGBUS, end_for_lost_mapping);
}

}  // namespace smlp
