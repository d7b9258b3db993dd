#include "smlp/core/threads.hpp"

#include <sched.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "smlp/core/cpu_quota.hpp"

namespace smlp {
namespace {

int cores_of_affinity_mask() {
  // The kernel refuses a mask smaller than its own number of processors.
  for (int processors = 1024; processors <= 1 << 20; processors *= 4) {
    cpu_set_t* const set = CPU_ALLOC(processors);
    if (set == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(processors);
    const int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

ThreadCount usable_cores() {
  const int cores = cores_of_affinity_mask();
  const std::optional<double> quota = cpu_quota();
  if (!quota || std::ceil(*quota) >= cores) return {cores, "one a core"};
  return {static_cast<int>(std::ceil(*quota)), fmt::format("a CPU quota of {:.2g} cores", *quota)};
}

int available_cores() {
  return usable_cores().count;
}

ThreadCount default_threads() {
  const char* const variable = std::getenv("OMP_NUM_THREADS");
  const std::string_view text = variable != nullptr ? variable : "";
  int count = 0;  // the first of a list is the outer level's
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool whole = end == text.data() + text.size() || *end == ',';
  if (error == std::errc() && whole && count >= 1) return {count, "OMP_NUM_THREADS"};
  return usable_cores();
}

void for_each_index(std::int64_t n, int threads, const std::function<void(std::int64_t)>& body) {
  if (threads <= 0) threads = available_cores();
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> stop{false};
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto work = [&] {
    try {
      while (!stop) {
        const std::int64_t i = next++;
        if (i >= n) return;
        body(i);
      }
    } catch (...) {
      stop = true;
      const std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> helpers;
    const auto wanted = std::min<std::int64_t>(threads, n) - 1;
    try {
      for (std::int64_t i = 0; i < wanted; ++i) helpers.emplace_back(work);
    } catch (const std::system_error&) {
      // No more threads to be had: the work is done by those there are.
    }
    work();
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace smlp
