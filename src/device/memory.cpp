#include "smlp/device/memory.hpp"

#include <c10/core/CachingDeviceAllocator.h>

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

std::int64_t device_memory_peak(c10::Device device) {
  if (device.is_cpu()) return 0;
  constexpr auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return c10::getDeviceAllocator(device.type())->getDeviceStats(device.index()).allocated_bytes[all].peak;
}

}  // namespace smlp
