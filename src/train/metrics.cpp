#include "smlp/train/metrics.hpp"

namespace smlp {
namespace {
using Unapplied = RunningSums::Reading::Unapplied;

enum : std::int64_t { loss_at, right_at, images_at, bad_at, skipped_at, norm_at, run_at, worst_at, entries };

// Of the steps between two log steps, which may be a million.
constexpr std::size_t most_tensors = 1024;

std::vector<Unapplied> unapplied(const std::vector<torch::Tensor>& steps) {
  const torch::Tensor host = torch::cat(steps).to(torch::kCPU, torch::kFloat64);
  const auto rows = host.accessor<double, 2>();
  std::vector<Unapplied> found;
  for (std::int64_t i = 0; i < rows.size(0); ++i)
    if (rows[i][0] != 0) found.push_back({rows.size(0) - 1 - i, rows[i][1], rows[i][2]});
  return found;
}

}  // namespace

RunningSums::RunningSums(torch::Device device)
    : sums_(torch::zeros({entries}, torch::dtype(torch::kFloat64).device(device))) {}

void RunningSums::add(const StepSums& step) {
  const torch::NoGradGuard no_grad;
  const auto images = static_cast<double>(step.images);
  const torch::Tensor& bad = step.bad;
  const torch::Tensor unapplied = step.skipped.defined() ? bad + step.skipped : bad;
  const torch::Tensor left_out = unapplied != 0;
  sums_[loss_at].add_(step.loss.masked_fill(left_out, 0));
  sums_[right_at].add_(step.right.masked_fill(left_out, 0));
  sums_[images_at].add_(unapplied.neg().add_(1).mul_(images));
  sums_[bad_at].add_(bad);
  if (step.skipped.defined()) sums_[skipped_at].add_(step.skipped);
  sums_[norm_at].add_(step.grad_norm.masked_fill(left_out, 0), images);
  sums_[run_at].add_(1).mul_(bad);
  steps_.push_back(torch::stack({unapplied, step.loss / images, step.grad_norm}).unsqueeze_(0));
  if (steps_.size() == most_tensors) steps_ = {torch::cat(steps_)};
  torch::Tensor worst = sums_[worst_at];
  torch::maximum_out(worst, worst, sums_[run_at]);
}

RunningSums::Reading RunningSums::take() {
  const torch::Tensor host = sums_.to(torch::kCPU);
  const double* v = host.const_data_ptr<double>();
  Reading reading{.totals = {.loss = v[loss_at],
                             .right = v[right_at],
                             .images = v[images_at],
                             .bad = v[bad_at],
                             .grad_norm = v[norm_at],
                             .skipped = v[skipped_at]},
                  .bad_run = static_cast<std::int64_t>(v[worst_at]),
                  .unapplied = {}};
  if (v[bad_at] + v[skipped_at] > 0) reading.unapplied = unapplied(steps_);
  steps_.clear();
  sums_.narrow(0, loss_at, run_at).zero_();
  sums_[worst_at].zero_();
  return reading;
}

std::int64_t RunningSums::current_run() {
  return static_cast<std::int64_t>(sums_[run_at].item<double>());
}

void RunningSums::restore_run(std::int64_t bad_steps) {
  sums_[run_at].fill_(static_cast<double>(bad_steps));
}

}  // namespace smlp
