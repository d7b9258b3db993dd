#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace smlp {

// Seconds for which this process's threads were ready to run and had no core, in sum since each began
// (schedstat of Linux); nullopt where the system does not count them. Not to be read: std::exception.
std::optional<double> seconds_without_core();

// LibTorch's threads (libgomp's) wait for one another by spinning for some milliseconds, which is fastest as
// long as each has a core of its own. When another program wants the cores, they take them from the very
// thread that they wait for, and both programs become several times slower. While this lives, it watches how
// long the process's threads wait for a core, and as long as they do, keeps a second team of threads asleep:
// libgomp then has more threads than cores, upon which it spins only briefly before it sleeps, as
// GOMP_SPINCOUNT's documentation says. Which thread computes what stays the same, and so do results. Does
// nothing where OMP_WAIT_POLICY or GOMP_SPINCOUNT decide, or the system does not say how long threads waited
// (schedstat, as Linux has it).
class PatientWaiting {
 public:
  // `waited`: how long threads have waited for a core.
  explicit PatientWaiting(std::function<std::optional<double>()> waited = seconds_without_core);
  ~PatientWaiting();
  PatientWaiting(const PatientWaiting&) = delete;
  PatientWaiting& operator=(const PatientWaiting&) = delete;

 private:
  void watch(const std::function<std::optional<double>()>& waited);
  bool stopped_within(double seconds);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::thread watcher_;
};

}  // namespace smlp
