#include "smlp/train/metrics.hpp"

namespace smlp {
namespace {
enum : std::int64_t { loss_at, right_at, images_at, bad_at, norm_at, run_at, worst_at, entries };
}

RunningSums::RunningSums(torch::Device device)
    : sums_(torch::zeros({entries}, torch::dtype(torch::kFloat64).device(device))) {}

void RunningSums::add(const StepSums& step) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor& bad = step.bad;
  const torch::Tensor is_bad = bad != 0;
  sums_[loss_at].add_(step.loss.masked_fill(is_bad, 0));
  sums_[right_at].add_(step.right.masked_fill(is_bad, 0));
  sums_[images_at].add_(bad.neg().add_(1).mul_(static_cast<double>(step.images)));
  sums_[bad_at].add_(bad);
  sums_[norm_at].add_(step.grad_norm.masked_fill(is_bad, 0), static_cast<double>(step.images));
  sums_[run_at].add_(1).mul_(bad);
  torch::Tensor worst = sums_[worst_at];
  torch::maximum_out(worst, worst, sums_[run_at]);
}

RunningSums::Reading RunningSums::take() {
  const torch::Tensor host = sums_.to(torch::kCPU);
  const double* v = host.const_data_ptr<double>();
  const Reading reading{{v[loss_at], v[right_at], v[images_at], v[bad_at], v[norm_at]},
                        static_cast<std::int64_t>(v[worst_at])};
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
