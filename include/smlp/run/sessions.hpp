#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "smlp/data/subset.hpp"

namespace smlp {

// A session is the work of one process on a run; env.json of the run's folder lists them under "sessions".
struct RunSession {
  std::string command;  // the process's arguments, as a shell reads them
  std::string host;
  std::int64_t process = 0;
  std::string start, end;  // UTC, "2026-01-31T14:25:01Z"; no end: it goes on, or was killed
  std::string exit;        // "finished", "stopped", "failed"; "" as `end`
  std::string reason;      // of a stop the signal, of a failure the error
};

enum class SessionEnd { finished, stopped, failed };

// env.json of the run, which must be there. Damaged: Error(data) saying what to do.
nlohmann::ordered_json read_env(const std::filesystem::path& run);

// The images that an epoch of the run takes, as env.json says. Runs of earlier versions say only how many
// there were to choose from, and where `subset` is not all of them: Error(data).
std::int64_t images_of_epoch(const std::filesystem::path& run, const SubsetConfig& subset);

// The sessions that env.json of the run has, as they stand there, and after them that of this process, which
// begins now. An env.json that cannot be read: Error(data).
nlohmann::ordered_json with_new_session(const std::filesystem::path& run);

// Says in env.json how the last session ended, now. Error(data) or Error(failed).
void end_last_session(const std::filesystem::path& run, SessionEnd end, const std::string& reason);

// The run's sessions, the oldest first; none where there is no env.json, or one of an earlier version. The
// text is not trusted: Error(data).
std::vector<RunSession> read_sessions(const std::filesystem::path& run);
std::vector<RunSession> parse_sessions(std::string_view text, const std::string& name);

std::string utc_time();  // now
std::string shell_line(const std::vector<std::string>& words);

}  // namespace smlp
