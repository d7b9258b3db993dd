#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "smlp/run/sessions.hpp"

namespace smlp {

// "running": its lock is held. Without: how its last session ended ("finished", "stopped", "failed"), or
// "killed" where that was not said. "unknown": its file system has no locks, and its process is elsewhere.
std::string run_status(const std::filesystem::path& run);

// The same of sessions that were read already. `trained_all`: of a run that says nothing of its sessions,
// whether it has come to its last epoch.
std::string run_status(const std::filesystem::path& run, const std::vector<RunSession>& sessions,
                       bool trained_all);

}  // namespace smlp
