#include "smlp/sweep/worker.hpp"

#include <chrono>
#include <thread>
#include <vector>

#include "smlp/core/claim.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/text.hpp"
#include "smlp/sweep/progress.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/run_folder.hpp"
#include "smlp/train/session.hpp"

namespace smlp {
namespace {

using Status = JobState::Status;

class Worker {
 public:
  Worker(const SweepPlan& plan, std::optional<std::int64_t> task)
      : plan_(plan), task_(task), known_(plan.jobs.size(), Status::waiting) {}

  void run() {
    bool told = false;
    while (!stopped()) {
      const Round round = next_round();
      if (round.worked) continue;
      if (round.elsewhere == 0) break;
      if (!std::exchange(told, true))
        log().info("waiting for {} that other processes do", counted(round.elsewhere, "run"));
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  }

 private:
  struct Round {
    bool worked = false;
    std::int64_t elsewhere = 0;  // jobs that other processes do
  };

  bool stopped() const { return interrupted_ || stop_signal() != 0; }
  bool is_ours(std::size_t i) const { return !task_ || plan_.jobs[i].task == *task_; }

  // Looks for a job that can be done, and does it.
  Round next_round() {
    Round round;
    for (std::size_t i = 0; i < plan_.jobs.size() && !round.worked; ++i) {
      if (!is_ours(i) || known_[i] == Status::finished) continue;
      const SweepJob& job = plan_.jobs[i];
      if (job.after && known_[*job.after] != Status::finished) continue;
      known_[i] = state_of(plan_, job).status;
      if (known_[i] == Status::running) ++round.elsewhere;
      if (known_[i] == Status::waiting || known_[i] == Status::stopped) round.worked = try_job(i);
    }
    return round;
  }

  // False: somebody else was faster.
  bool try_job(std::size_t i) {
    const SweepJob& job = plan_.jobs[i];
    const auto claim = Claim::take(claim_file(plan_, job));
    if (!claim) return false;
    known_[i] = state_of_unclaimed(job);
    if (known_[i] == Status::finished) return true;
    log().info("run {} of {}: {}", i + 1, plan_.jobs.size(), job.name);
    try {
      const Outcome outcome = do_job(job);
      interrupted_ = outcome.end == Outcome::End::stopped;
      if (!interrupted_) known_[i] = Status::finished;
    } catch (const Interrupted&) {
      interrupted_ = true;
    } catch (const Error& error) {
      log().error("{}: {}", job.name, error.what());
      write_file_atomically(error_file(plan_, job), fmt::format("{}\n", error.what()));
      known_[i] = Status::failed;
    }
    return true;
  }

  // It may have been finished just before it was claimed.
  Status state_of_unclaimed(const SweepJob& job) const {
    const Status status = state_of(plan_, job).status;
    return status == Status::running ? Status::waiting : status;
  }

  Outcome do_job(const SweepJob& job) const {
    RunConfig config = copy_of(job.config);
    if (job.after) config.init.from = weights_of(plan_, job).string();
    return run_session(std::move(config), SessionOptions{.resume = "auto"});
  }

  const SweepPlan& plan_;
  std::optional<std::int64_t> task_;
  std::vector<Status> known_;  // as seen last
  bool interrupted_ = false;
};

// Leaves out files on their way: another process may just be writing the sweep's own.
bool holds_anything(const fs::path& folder) {
  std::error_code none;
  if (!fs::is_directory(folder, none)) return fs::exists(folder, none);
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (!is_temporary(entry.path())) return true;
  return false;
}

// What has begun keeps its settings: with others it would be another run under the same name.
void check_begun_runs(const SweepPlan& plan, std::optional<std::int64_t> task) {
  for (const SweepJob& job : plan.jobs) {
    const fs::path run = plan.folder / job.name;
    if ((task && job.task != *task) || !fs::exists(run / "config.yaml")) continue;
    RunConfig config = copy_of(job.config);
    try {
      config.init.from = load_run_config((run / "config.yaml").string(), {}).init.from;
    } catch (const Error&) {
      continue;  // damaged: it fails when its turn comes, and the others go on
    }
    check_same_run(config, run, std::nullopt);
  }
}

}  // namespace

void open_sweep(const SweepPlan& plan, std::optional<std::int64_t> task) {
  // The sweep's own file is its first, so that of two processes that begin it neither is a stranger to the
  // other; asked for last, for the same reason.
  if (holds_anything(plan.folder) && !is_sweep(plan.folder))
    fail(ErrorKind::usage, "{} is there and holds no sweep; give --name or --output", plan.folder.string());
  check_begun_runs(plan, task);
  std::error_code error;
  fs::create_directories(plan.folder, error);
  if (!error) write_file_atomically(plan.folder / "sweep.yaml", plan.document);
  if (!error) fs::create_directories(plan.folder / "jobs", error);
  if (error) fail(ErrorKind::failed, "{}: cannot be made: {}", plan.folder.string(), error.message());
  for (const SweepJob& job : plan.jobs)
    if (!task || job.task == *task) fs::remove(error_file(plan, job), error);
}

void work_on_sweep(const SweepPlan& plan, std::optional<std::int64_t> task) {
  Worker(plan, task).run();
}

}  // namespace smlp
