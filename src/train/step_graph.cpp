#include "smlp/train/step_graph.hpp"

#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>

#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"

namespace smlp {
namespace {

constexpr int steps_before_capture = 3;

constexpr torch::Tensor Batch::*batch_tensors[] = {&Batch::images, &Batch::labels, &Batch::partners,
                                                   &Batch::lambda};

// A step seeds the generator before it draws, which puts the offset at 0.
bool random_numbers_drawn(c10::Device device) {
  return at::globalContext().defaultGenerator(device).get_offset() != 0;
}

}  // namespace

StepFactors::StepFactors(torch::Device device)
    : lr_factor(torch::empty({}, torch::TensorOptions(torch::kFloat32).device(device))),
      ema_share(torch::empty_like(lr_factor)) {}

void StepFactors::fill(const StepNumbers& numbers) {
  lr_factor.fill_(numbers.lr_factor);
  ema_share.fill_(numbers.ema_share);
}

bool StepGraph::fits(const Batch& batch) const {
  for (const auto member : batch_tensors) {
    const torch::Tensor &given = batch.*member, &held = batch_.*member;
    if (given.defined() != held.defined() || (given.defined() && given.sizes() != held.sizes())) return false;
  }
  return true;
}

void StepGraph::give_up(const std::string& reason) {
  if (required_)
    fail(ErrorKind::usage, "device.graph is on, but the training step cannot be captured: {}", reason);
  log().info("graph      off: {}", reason);
  given_up_ = true;
  batch_ = {};
}

void StepGraph::capture(const Batch& batch, const Step& step) {
  for (const auto member : batch_tensors)
    if ((batch.*member).defined()) batch_.*member = torch::empty_like(batch.*member);
  batch_.images = torch::empty_like(batch.images, image_type_);
  // What the steps before left in the allocator would be kept beside the graph's own memory.
  c10::getDeviceAllocator(device_.type())->emptyCache();
  std::string problem;
  capturing_ = true;
  try {
    graph_ = std::make_unique<CudaGraph>(device_, [&] { sums_ = step(batch_, factors_); });
  } catch (const c10::Error& error) {
    problem = error.what_without_backtrace();
  } catch (const Error& error) {  // the driver's
    problem = error.what();
  }
  capturing_ = false;
  if (!graph_) give_up(problem);
}

std::optional<StepSums> StepGraph::operator()(const Batch& batch, const StepNumbers& numbers,
                                              const Step& step) {
  factors_.fill(numbers);
  if (!given_up_ && !graph_ && taken_ == steps_before_capture)
    random_numbers_drawn(device_) ? give_up("it draws random numbers (dropout)") : capture(batch, step);
  if (!graph_ || !fits(batch)) {
    std::optional<StepSums> sums;
    on_graph_stream(device_, [&] { sums = step(batch, factors_); });
    ++taken_;
    return sums;
  }
  for (const auto member : batch_tensors)
    if ((batch.*member).defined()) (batch_.*member).copy_(batch.*member, /*non_blocking=*/true);
  graph_->replay();
  return sums_;
}

}  // namespace smlp
