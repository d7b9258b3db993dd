#include "sweep_output.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "smlp/core/text.hpp"
#include "smlp/formats/json.hpp"
#include "table.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;
using Status = JobState::Status;

std::int64_t count_of(const std::vector<JobState>& states, Status status) {
  return std::ranges::count(states, status, &JobState::status);
}

// "12 of 48 finished, 2 running, 1 failed"
std::string counts_text(const std::vector<JobState>& states) {
  std::string text = fmt::format("{} of {} finished", count_of(states, Status::finished), states.size());
  for (const Status status : {Status::running, Status::stopped, Status::failed, Status::waiting})
    if (const std::int64_t count = count_of(states, status); count > 0)
      text += fmt::format(", {} {}", count, status_word(status));
  return text;
}

std::string time_left_text(const SweepPlan& plan, const std::vector<JobState>& states) {
  const double seconds = seconds_left(plan, states);
  const std::int64_t running = count_of(states, Status::running);
  if (!(seconds > 0)) return "";  // nothing is left, or there is no pace yet
  return fmt::format("; about {} left{}",
                     human_time(seconds / static_cast<double>(std::max<std::int64_t>(1, running))),
                     running > 1 ? fmt::format(" with {} at work", running) : "");
}

std::string remark_of(const SweepPlan& plan, const std::vector<JobState>& states, std::size_t i) {
  const auto& after = plan.jobs[i].after;
  if (states[i].status == Status::waiting && after && states[*after].status == Status::failed)
    return fmt::format("{} failed", plan.jobs[*after].name);
  return states[i].reason.empty() ? states[i].by : states[i].reason;
}

// Those that lie in the folder and are none of the plan's, which a fit of the folder would count.
std::int64_t other_runs(const SweepPlan& plan) {
  std::set<std::string> names;
  for (const SweepJob& job : plan.jobs) names.insert(job.name);
  std::int64_t count = 0;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(plan.folder, none))
    count += std::filesystem::exists(entry.path() / "config.yaml", none) &&
             !names.contains(entry.path().filename().string());
  return count;
}

std::string percent(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.2f}", value);
}

Json finite(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

}  // namespace

std::string sweep_status_text(const SweepPlan& plan, const std::vector<JobState>& states) {
  Cells rows{{"task", "run", "status", "epoch", "top1", "time", ""}};
  for (std::size_t i = 0; i < states.size(); ++i) {
    const JobState& s = states[i];
    const std::string epochs =
        s.epoch == 0 ? "" : fmt::format("{:g}/{}", s.epoch, plan.jobs[i].config.train.epochs);
    rows.push_back({std::to_string(plan.jobs[i].task), plan.jobs[i].name, status_word(s.status), epochs,
                    percent(s.top1), s.seconds > 0 ? human_time(s.seconds) : "", remark_of(plan, states, i)});
  }
  if (std::ranges::any_of(states, [](const JobState& s) { return !std::isnan(s.holdout_top1); })) {
    constexpr int after_top1 = 5;
    rows[0].insert(rows[0].begin() + after_top1, "holdout_top1");
    for (std::size_t i = 0; i < states.size(); ++i)
      rows[i + 1].insert(rows[i + 1].begin() + after_top1, percent(states[i].holdout_top1));
  }
  const std::int64_t others = other_runs(plan);
  return fmt::format(
      "{}{}: {}{}{}\n", format_table(rows), printable(plan.folder.string()), counts_text(states),
      time_left_text(plan, states),
      others == 0 ? "" : fmt::format("; {} in it are none of this sweep's", counted(others, "run")));
}

std::string sweep_status_json(const SweepPlan& plan, const std::vector<JobState>& states) {
  Json jobs = Json::array();
  for (std::size_t i = 0; i < states.size(); ++i)
    jobs.push_back({{"run", plan.jobs[i].name},
                    {"task", plan.jobs[i].task},
                    {"status", status_word(states[i].status)},
                    {"epoch", states[i].epoch},
                    {"epochs", plan.jobs[i].config.train.epochs},
                    {"top1", finite(states[i].top1)},
                    {"holdout_top1", finite(states[i].holdout_top1)},
                    {"seconds", states[i].seconds},
                    {"by", states[i].by},
                    {"reason", states[i].reason}});
  const Json json{{"folder", plan.folder.string()},
                  {"tasks", plan.tasks},
                  {"seconds_left", finite(seconds_left(plan, states))},
                  {"runs", std::move(jobs)}};
  return json_text(json, 2) + "\n";
}

std::string sweep_cost_text(const SweepPlan& plan, const std::vector<JobCost>& costs) {
  Cells rows{{"task", "run", "parameters", "images", "MACs", "time here"}};
  JobCost sum;
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const JobCost& c = costs[i];
    rows.push_back({std::to_string(plan.jobs[i].task), plan.jobs[i].name, human_count(c.parameters),
                    human_count(c.images), human_count(c.macs), human_time(c.seconds)});
    sum.images += c.images, sum.macs += c.macs, sum.seconds += c.seconds;
  }
  return fmt::format("{}{} for {} of {}: {} images, {} MACs, {} here one after the other\n",
                     format_table(rows), counted(std::ssize(costs), "run"), counted(plan.tasks, "task"),
                     printable(plan.folder.string()), human_count(sum.images), human_count(sum.macs),
                     human_time(sum.seconds));
}

std::string sweep_cost_json(const SweepPlan& plan, const std::vector<JobCost>& costs) {
  Json jobs = Json::array();
  for (std::size_t i = 0; i < costs.size(); ++i)
    jobs.push_back({{"run", plan.jobs[i].name},
                    {"task", plan.jobs[i].task},
                    {"parameters", costs[i].parameters},
                    {"images", costs[i].images},
                    {"macs", costs[i].macs},
                    {"seconds", costs[i].seconds}});
  const Json json{{"folder", plan.folder.string()}, {"tasks", plan.tasks}, {"runs", std::move(jobs)}};
  return json_text(json, 2) + "\n";
}

}  // namespace smlp
