#include "smlp/run/run_status.hpp"

#include "smlp/core/file_lock.hpp"
#include "smlp/core/host.hpp"

namespace smlp {

std::string run_status(const std::filesystem::path& run, const std::vector<RunSession>& sessions,
                       bool trained_all) {
  const LockState lock = lock_state(run / "lock");
  if (lock == LockState::held) return "running";
  const bool open = !sessions.empty() && sessions.back().exit.empty();
  if (lock == LockState::unknown && open) {
    const RunSession& last = sessions.back();
    if (last.host != host_name()) return "unknown";
    return is_alive_here(last.host, last.process) ? "running" : "killed";
  }
  if (!sessions.empty() && !open) return sessions.back().exit;
  if (trained_all) return "finished";
  return open ? "killed" : "stopped";
}

std::string run_status(const std::filesystem::path& run) {
  return run_status(run, read_sessions(run), false);
}

}  // namespace smlp
