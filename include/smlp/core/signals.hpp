#pragma once

namespace smlp {

// SIGINT, SIGTERM and, unless nohup has it ignored, SIGHUP of a terminal that was closed ask for a stop that
// saves first: the handler only notes the signal, and loops poll stop_signal() between micro-batches. A
// second signal of the same kind ends the process at once, unless it follows within 0.2 s: timeout(1) and job
// schedulers send one request twice, to the process and to its group.
void catch_stop_signals();

// The first signal that asked to stop, 0 if none has. The program then exits with 128 + signal.
int stop_signal();

// A file that outgrows the limit on file sizes (ulimit -f) becomes an error of the write that does, "File too
// large", instead of the end of the process.
void report_size_limits();

// A mapped file that became shorter, or whose disk failed, raises SIGBUS where it is read: ends the process
// with a message and exit code 3 instead of a crash.
void report_lost_mappings();

}  // namespace smlp
