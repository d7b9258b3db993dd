#include "sweep_workers.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/host.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/threads.hpp"
#include "smlp/sweep/progress.hpp"

namespace smlp {
namespace {

using Words = std::vector<std::string>;

std::vector<char*> pointers(Words& words) {
  std::vector<char*> found;
  for (std::string& word : words) found.push_back(word.data());
  found.push_back(nullptr);
  return found;
}

// This process's environment, with that many threads.
Words environment_with(int threads) {
  Words variables{fmt::format("OMP_NUM_THREADS={}", threads)};
  for (char** each = ::environ; *each != nullptr; ++each)
    if (!std::string_view(*each).starts_with("OMP_NUM_THREADS=")) variables.emplace_back(*each);
  return variables;
}

// A group of its own: Ctrl-C reaches the parent alone, which passes one request on.
pid_t start(Words words, Words environment, const fs::path& output) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0666);
  ::posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  pid_t process = -1;
  const int code = ::posix_spawn(&process, "/proc/self/exe", &files, &attributes, pointers(words).data(),
                                 pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (code != 0) fail(ErrorKind::failed, "cannot start a process of this program: {}", ::strerror(code));
  return process;
}

class Workers {
 public:
  Workers(const SweepPlan& plan, int count, std::optional<std::int64_t> task)
      : plan_(plan), threads_(std::max(1, default_threads().count / count)), states_(plan.jobs.size()) {
    words_ = {"smlp", "sweep", "run", plan.folder.string(), "--worker", std::to_string(::getpid())};
    if (task) words_.insert(words_.end(), {"--task", std::to_string(*task)});
    for (int i = 1; i <= count; ++i) workers_.push_back({.number = i, .process = start_worker(i)});
    log().info("{} processes with {} threads each; their output is in {}", count, threads_,
               (plan.folder / "jobs" / "worker-*.log").string());
  }

  void wait() {
    for (int pass = 0; std::ranges::any_of(workers_, [](const Worker& w) { return w.process > 0; }); ++pass) {
      if (stop_signal() != 0 && !std::exchange(stopping_, true)) stop();
      for (Worker& worker : workers_)
        if (worker.process > 0) reap(worker);
      if (pass % 10 == 0) tell_changes();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    tell_changes();
  }

 private:
  struct Worker {
    int number = 0;
    pid_t process = -1;
  };

  pid_t start_worker(int number) const {
    return start(words_, environment_with(threads_),
                 plan_.folder / "jobs" / fmt::format("worker-{}.log", number));
  }

  // Batch systems send a signal to every process, so that this would be a second of one kind, which ends a
  // process at once: it is passed on as another kind.
  void stop() const {
    for (const Worker& worker : workers_)
      if (worker.process > 0) ::kill(worker.process, stop_signal() == SIGTERM ? SIGINT : SIGTERM);
  }

  void reap(Worker& worker) {
    int status = 0;
    if (::waitpid(worker.process, &status, WNOHANG) != worker.process) return;
    const pid_t ended = std::exchange(worker.process, -1);
    if (WIFSIGNALED(status) && note_killed(ended, WTERMSIG(status)) && !stopping_)
      worker.process = start_worker(worker.number);
  }

  // False: it did none.
  bool note_killed(pid_t process, int number) const {
    const std::string owner = fmt::format("process {} on {}", process, host_name());
    for (const SweepJob& job : plan_.jobs) {
      const fs::path claim = claim_file(plan_, job);
      if (!fs::exists(claim) || read_file(claim, 4096) != owner) continue;
      write_file_atomically(error_file(plan_, job),
                            fmt::format("its process was ended by SIG{}{}\n", ::sigabbrev_np(number),
                                        number == SIGKILL ? "; was there enough memory?" : ""));
      fs::remove(claim);
      return true;
    }
    return false;
  }

  void tell_changes() {
    using Status = JobState::Status;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (states_[i].status == Status::finished) continue;
      const JobState now = state_of(plan_, plan_.jobs[i]);
      const std::string& name = plan_.jobs[i].name;
      const bool changed = now.status != std::exchange(states_[i], now).status;
      if (changed && now.status == Status::finished && told_first_)
        log().info("finished  {}  top1 {:.2f} %", name, now.top1);
      if (changed && now.status == Status::failed) log().error("{}: {}", name, now.reason);
    }
    told_first_ = true;
  }

  const SweepPlan& plan_;
  int threads_;
  Words words_;
  std::vector<Worker> workers_;
  std::vector<JobState> states_;
  bool stopping_ = false, told_first_ = false;
};

}  // namespace

void run_sweep_workers(const SweepPlan& plan, int count, std::optional<std::int64_t> task) {
  Workers(plan, count, task).wait();
}

void stop_with_parent(std::int64_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::raise(SIGTERM);  // it ended before
}

}  // namespace smlp
