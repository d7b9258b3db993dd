#include "smlp/device/patient_waiting.hpp"

#include <dlfcn.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "smlp/core/stopwatch.hpp"

namespace smlp {
namespace {

using GompParallel = void (*)(void (*body)(void*), void* data, unsigned threads, unsigned flags);

constexpr double period = 0.25;                       // seconds between looks
constexpr double busy = 0.10, quiet = 0.02;           // threads' waiting, in parts of the time
constexpr double first_hold = 2, longest_hold = 300;  // seconds of quiet before spinning is tried again

unsigned cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 1;
}

// A team of as many threads as there are cores, asleep.
class SecondTeam {
 public:
  explicit SecondTeam(GompParallel parallel) {
    thread_ = std::thread([this, parallel] {
      parallel([](void*) {}, nullptr, cores(), 0);
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_; });
    });
  }
  ~SecondTeam() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  SecondTeam(const SecondTeam&) = delete;
  SecondTeam& operator=(const SecondTeam&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace

std::optional<double> seconds_without_core() {
  double nanoseconds = 0;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    double on_core = 0, waiting = 0;
    if (std::ifstream(task.path() / "schedstat") >> on_core >> waiting) nanoseconds += waiting;
  }
  if (error || nanoseconds == 0) return std::nullopt;
  return nanoseconds / 1e9;
}

PatientWaiting::PatientWaiting(std::function<std::optional<double>()> waited) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  try {
    watcher_ = std::thread([this, waited = std::move(waited)] { watch(waited); });
  } catch (const std::system_error&) {  // no thread to be had: they spin
  }
}

PatientWaiting::~PatientWaiting() {
  if (!watcher_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  watcher_.join();
}

bool PatientWaiting::stopped_within(double seconds) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return stop_; });
}

void PatientWaiting::watch(const std::function<std::optional<double>()>& waited) {
  const auto parallel = reinterpret_cast<GompParallel>(::dlsym(RTLD_DEFAULT, "GOMP_parallel"));
  if (parallel == nullptr) return;
  std::optional<SecondTeam> second;
  double hold = first_hold, quiet_seconds = 0;
  std::optional<double> before = waited();
  for (Stopwatch watch; before && !stopped_within(period);) {
    const std::optional<double> now = waited();
    if (!now) return;
    const double part =
        std::max(0.0, *now - *before) / watch.seconds();  // a thread that ended takes its share with it
    watch = Stopwatch();
    before = now;
    quiet_seconds = part < quiet ? quiet_seconds + period : 0;
    if (!second && part > busy) {
      try {
        second.emplace(parallel);
      } catch (const std::system_error&) {
        return;
      }
    } else if (second && quiet_seconds > hold) {
      second.reset();
      hold = std::min(2 * hold, longest_hold);
    }
  }
}

}  // namespace smlp
