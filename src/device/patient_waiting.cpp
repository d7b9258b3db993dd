#include "smlp/device/patient_waiting.hpp"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

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

// How large a second team must be for there to be more threads than cores; 0: nothing waits, or there are
// already.
unsigned second_team_size() {
  const int first = at::get_num_threads(), size = static_cast<int>(cores()) - first + 2;
  return first < 2 || size < 2 ? 0 : static_cast<unsigned>(size);
}

// libgomp ends the program where it gets no thread; this throws std::system_error.
void try_threads(unsigned count) {
  std::mutex all_there;
  std::vector<std::jthread> threads;
  const std::lock_guard lock(all_there);
  for (unsigned i = 0; i < count; ++i) threads.emplace_back([&] { const std::lock_guard wait(all_there); });
}

// A team of threads asleep.
class SecondTeam {
 public:
  SecondTeam(GompParallel parallel, unsigned size) {
    try_threads(size);
    thread_ = std::thread([this, parallel, size] {
      parallel([](void*) {}, nullptr, size, 0);
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
  double on_cores = 0, without = 0;  // nanoseconds
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    double on_core = 0, waiting = 0;
    if (std::ifstream(task.path() / "schedstat") >> on_core >> waiting)
      on_cores += on_core, without += waiting;
  }
  if (on_cores == 0) return std::nullopt;  // a kernel that does not count shows zeros
  return without / 1e9;
}

PatientWaiting::PatientWaiting(std::function<std::optional<double>()> waited) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  try {
    watcher_ = std::thread([this, waited = std::move(waited)] {
      try {
        watch(waited);
      } catch (const std::exception&) {  // no thread or no memory to be had: they spin
      }
    });
  } catch (const std::system_error&) {
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
      if (const unsigned size = second_team_size(); size > 0) second.emplace(parallel, size);
    } else if (second && quiet_seconds > hold) {
      second.reset();
      hold = std::min(2 * hold, longest_hold);
    }
  }
}

}  // namespace smlp
