#include "selftest_runs.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <limits>

#include "smlp/core/signals.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/optim/registry.hpp"
#include "smlp/train/config_files.hpp"

namespace smlp {
namespace {

constexpr int classes = 10;

Batch random_batch(std::int64_t images, int size, std::int64_t seed, const Device& device) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  Batch batch{.images = at::randn({images, 3, size, size}).to(device.torch),
              .labels = at::randint(classes, {images}, torch::kInt64).to(device.torch),
              .partners = {},
              .lambda = torch::full({}, 0.75).to(device.torch)};
  batch.partners = batch.labels.roll(1);
  return batch;
}

std::unique_ptr<TrainingStep> make_step(const std::string& model_name, const std::string& optimizer, int size,
                                        const Device& device, TrainingStep::Options options,
                                        std::vector<std::string> more = {}) {
  std::vector<ConfigNode> overrides{make_override("model.name", model_name, "the self-test"),
                                    parse_override("optim=" + optimizer)};
  for (const std::string& each : more) overrides.push_back(parse_override(each));
  const RunConfig config = load_run_config(std::nullopt, std::move(overrides));
  torch::manual_seed(1);
  const auto model = build_model(config.model, size, classes);
  model->to(device.torch);
  return std::make_unique<TrainingStep>(
      model, config.optim->build(group_parameters(*model, *config.optim.config)), device, options);
}

// Some begin at zero and would hide what lies before them.
void draw_all(const Model& model) {
  const torch::NoGradGuard no_grad;
  for (const auto& item : model.named_parameters()) {
    const torch::Tensor drawn = at::randn(item.value().sizes());
    torch::Tensor(item.value()).add_(drawn.to(item.value().device()), 0.02);
  }
}

}  // namespace

Passes passes_of(const std::string& family, const Device& device) {
  constexpr int images = 11, size = 32;
  const auto step = make_step(family, "{name: sgd, lr: 0.1}", size, device, {.label_smoothing = 0.1});
  draw_all(step->model());
  const Batch batch = random_batch(images, size, 2, device);
  if (!(*step)(batch, 0, 0.0)) throw Interrupted("the self-test was stopped by a signal");
  Passes passes;
  std::vector<torch::Tensor> gradients;
  for (const Parameter& p : step->optimizer().parameters())
    gradients.push_back(p.value.grad().to(torch::kCPU, torch::kFloat32).flatten());
  passes.gradient = at::cat(gradients);
  step->model().eval();
  const torch::NoGradGuard no_grad;
  const AutocastScope autocast(device);
  passes.logits = step->model().forward(batch.images).to(torch::kCPU, torch::kFloat32);
  return passes;
}

SmallRun::SmallRun(const std::string& optimizer, const Device& device)
    : device_(device),
      step_(make_step("b_mlp", optimizer, 16, device, {.label_smoothing = 0.3, .clip_norm = 1, .ema = 0.9},
                      {"model.depth=2", "model.width=72"})),
      start_(weights()) {}

torch::Tensor SmallRun::weights() const {
  std::vector<torch::Tensor> all;
  for (const Parameter& p : step_->optimizer().parameters())
    all.push_back(p.value.detach().to(torch::kCPU).flatten());
  return at::cat(all);
}

torch::Tensor SmallRun::moved() const {
  return weights() - start_;
}

Batch SmallRun::batch(std::int64_t step) const {
  return random_batch(96, 16, 100 + step % 10, device_);
}

void SmallRun::train(std::int64_t first, std::int64_t count) {
  for (std::int64_t step = first; step < first + count; ++step)
    if (!(*step_)(batch(step), step, 1 - 0.5 * static_cast<double>(step) / 200.0))
      throw Interrupted("the self-test was stopped by a signal");
}

bool SmallRun::take_poisoned_step(std::int64_t step) {
  Batch poisoned = batch(step);
  poisoned.images[3][0][0][0] = std::numeric_limits<float>::infinity();
  const auto sums = (*step_)(poisoned, step, 1.0);
  if (!sums) throw Interrupted("the self-test was stopped by a signal");
  return sums->bad.item<double>() == 1;
}

std::vector<torch::Tensor> SmallRun::tensors() const {
  std::vector<torch::Tensor> all;
  for (const CheckpointPart& part : step_->parts())
    for (const auto& [name, tensor] : part.tensors) all.push_back(tensor.detach().to(torch::kCPU).clone());
  return all;
}

double relative_distance(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor expected = b.to(torch::kFloat64);
  return ((a.to(torch::kFloat64) - expected).norm() / expected.norm()).item<double>();
}

double count_different(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  int different = 0;
  for (std::size_t i = 0; i < b.size(); ++i) different += at::equal(a[i], b[i]) ? 0 : 1;
  return different;
}

}  // namespace smlp
