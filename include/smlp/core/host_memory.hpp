#pragma once
#include <filesystem>
#include <limits>

namespace smlp {

// Bytes that this process may use; infinite where nothing says.
struct HostMemory {
  double total = std::numeric_limits<double>::infinity();  // at all, swap counted: what is above never fits
  double available = std::numeric_limits<double>::infinity();  // now, without taking it from others
};

// The least of what the machine has, what the process's control groups (version 1 or 2) and those above them
// allow, and `ulimit -v` and `-d`. `root` is where /proc and the groups are looked for.
HostMemory host_memory(const std::filesystem::path& root = "/");

}  // namespace smlp
