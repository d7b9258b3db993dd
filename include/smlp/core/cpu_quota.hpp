#pragma once
#include <filesystem>
#include <optional>

namespace smlp {

// Processors' worth of time that this process's control groups (version 1 or 2) grant it, 0.5 for half of
// one: the least of its own group's and of those above it. None: no limit. `root` is where /proc and the
// groups are looked for.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/");

}  // namespace smlp
