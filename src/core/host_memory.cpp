#include "smlp/core/host_memory.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

#include "control_groups.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;

// The number behind `key` in a file of lines "key number".
std::optional<double> number_of(const fs::path& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + " ") || line.starts_with(key + ":"))
      return std::strtod(line.c_str() + key.size() + 1, nullptr);
  return std::nullopt;
}

// Not a number where there is no limit.
std::optional<double> number_in(const fs::path& path) {
  std::ifstream file(path);
  double number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

HostMemory of_machine(const fs::path& root) {
  constexpr double kib = 1024;
  const fs::path file = root / "proc/meminfo";
  HostMemory memory;
  const auto total = number_of(file, "MemTotal"), available = number_of(file, "MemAvailable");
  if (total) memory.total = kib * (*total + number_of(file, "SwapTotal").value_or(0));
  if (available) memory.available = kib * *available;
  return memory;
}

// Files that are cached make way, as long as they are not in use.
HostMemory of_group(const ControlGroup& group) {
  const fs::path& folder = group.folder;
  const bool unified = group.unified;
  const auto limit = number_in(folder / (unified ? "memory.max" : "memory.limit_in_bytes"));
  if (!limit) return {};
  const double used = number_in(folder / (unified ? "memory.current" : "memory.usage_in_bytes")).value_or(0);
  const double cached =
      number_of(folder / "memory.stat", unified ? "inactive_file" : "total_inactive_file").value_or(0);
  return {.total = *limit, .available = std::max(0.0, *limit - std::max(0.0, used - cached))};
}

HostMemory of_limit(int resource) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return {};
  return {.total = static_cast<double>(limit.rlim_cur), .available = static_cast<double>(limit.rlim_cur)};
}

}  // namespace

HostMemory host_memory(const fs::path& root) {
  HostMemory least = of_machine(root);
  const auto take = [&](const HostMemory& other) {
    least.total = std::min(least.total, other.total);
    least.available = std::min(least.available, other.available);
  };
  for (const ControlGroup& group : control_groups(root, "memory")) take(of_group(group));
  for (const int resource : {RLIMIT_AS, RLIMIT_DATA}) take(of_limit(resource));
  return least;
}

}  // namespace smlp
