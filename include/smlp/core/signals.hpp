#pragma once
#include <string>

#include "smlp/core/error.hpp"

namespace smlp {

// SIGINT, SIGTERM, SIGHUP of a terminal that was closed, and SIGUSR1 and SIGUSR2, which job schedulers send
// before they end a job, ask for a stop that saves first: the handler only notes the signal, and loops poll
// stop_signal() between micro-batches. A second signal of the same kind ends the process at once, unless it
// follows within 0.2 s: timeout(1) and job schedulers send one request twice, to the process and to its
// group. Those that whoever started the process has ignored, as nohup does, stay ignored.
void catch_stop_signals();

inline constexpr const char* all_stop_signals = "INT,TERM,HUP,USR1,USR2";

// Lets go of those that catch_stop_signals() caught and that are not among `names`, which is some of
// all_stop_signals, commas between: they end the process as they would have. Another name: Error(usage).
void keep_stop_signals(const std::string& names);
void check_stop_signals(const std::string& names);  // the names alone

// What ends a wait when a stop is asked for: nothing was lost, and the program exits with 128 + signal.
class Interrupted : public Error {
 public:
  explicit Interrupted(const std::string& message) : Error(ErrorKind::failed, message) {}
};

// The first signal that asked to stop, 0 if none has. The program then exits with 128 + signal.
int stop_signal();

// A file that outgrows the limit on file sizes (ulimit -f) becomes an error of the write that does, "File too
// large", instead of the end of the process.
void report_size_limits();

// A mapped file that became shorter, or whose disk failed, raises SIGBUS where it is read: ends the process
// with a message and exit code 3 instead of a crash.
void report_lost_mappings();

}  // namespace smlp
