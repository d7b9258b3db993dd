#include "smlp/device/memory.hpp"

#include <atomic>
#include <fstream>
#include <string>

namespace smlp {

std::int64_t anonymous_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) return std::stoll(line.substr(8)) * 1024;
  return 0;
}

std::int64_t anonymous_memory_peak() {
  static std::atomic<std::int64_t> peak{0};
  const std::int64_t now = anonymous_memory();
  std::int64_t seen = peak.load();
  while (now > seen && !peak.compare_exchange_weak(seen, now)) {
  }
  return std::max(now, seen);
}

}  // namespace smlp
