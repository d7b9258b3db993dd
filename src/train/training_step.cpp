#include "smlp/train/training_step.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/core/rng.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/nn/stoppable.hpp"
#include "smlp/optim/clip.hpp"
#include "smlp/train/loss.hpp"

namespace smlp {
namespace {

torch::Tensor part(const torch::Tensor& tensor, std::int64_t start, std::int64_t size) {
  return tensor.defined() && tensor.dim() > 0 && tensor.size(0) != size ? tensor.narrow(0, start, size)
                                                                        : tensor;
}

// The parameters have these values while what it returns lives: where they have another type then, copies.
LentValues at_points(const std::vector<Parameter>& parameters, const std::vector<torch::Tensor>& points) {
  const torch::NoGradGuard no_grad;
  LentValues values;
  for (std::size_t i = 0; i < points.size(); ++i) {
    torch::Tensor value = parameters[i].value;
    if (value.scalar_type() == points[i].scalar_type())
      values.lend(value, points[i]);
    else
      value.copy_(points[i]);
  }
  return values;
}

}  // namespace

bool only_head(const std::vector<Parameter>& parameters, const Model& model) {
  return std::all_of(parameters.begin(), parameters.end(),
                     [&](const Parameter& p) { return p.name.starts_with(model.head_prefix()); });
}

TrainingStep::TrainingStep(std::shared_ptr<Model> model, std::unique_ptr<Optimizer> optimizer,
                           const Device& device, Options options, std::shared_ptr<World> world)
    : model_(std::move(model)),
      optimizer_(std::move(optimizer)),
      device_(device),
      options_(options),
      world_(std::move(world)),
      body_frozen_(only_head(optimizer_->parameters(), *model_)) {
  if (options_.ema > 0) averages_.emplace(*model_, optimizer_->parameters(), options_.ema);
  if (options_.skip_zscore > 0) spikes_.emplace(options_.skip_zscore, device_.torch);
  if (device_.precision == Precision::bf16 && fused_kernels()) {
    bf16_.emplace(*model_);
    std::vector<torch::Tensor> copies;
    for (const Parameter& each : optimizer_->parameters()) copies.push_back(bf16_->copy_of(each.value));
    if (optimizer_->write_copies(std::move(copies))) bf16_->copies_are_written();
  }
  if (device_.graph == GraphUse::off) return;
  const std::string reason = uncapturable();
  if (reason.empty())
    graph_.emplace(device_, image_type(), device_.graph == GraphUse::on);
  else if (device_.graph == GraphUse::on)
    fail(ErrorKind::usage, "device.graph is on, but the training step cannot be captured: {}", reason);
}

// Empty where nothing is known that stands against capturing it.
std::string TrainingStep::uncapturable() const {
  if (!device_.is_cuda()) return "there is no CUDA device";
  if (world_->size() > 1) return "several ranks train together";
  return CudaGraph::problem();
}

std::vector<CheckpointPart> TrainingStep::parts() const {
  std::vector<CheckpointPart> parts{model_part(*model_), optimizer_part(*optimizer_)};
  if (averages_) parts.push_back(averages_->part());
  if (spikes_)
    parts.push_back({"spike_guard", {{"grad_norms", spikes_->norms()}}, CheckpointPart::Needed::to_resume});
  return parts;
}

std::optional<StepSums> TrainingStep::operator()(const Batch& batch, std::int64_t step, double lr_factor) {
  if (model_->is_training() == body_frozen_) model_->train(!body_frozen_);
  if (graph_ && !graph_->replays()) forget_gradients();  // their memory would stay beside the graph's
  const StepNumbers numbers{.lr_factor = lr_factor, .ema_share = averages_ ? averages_->share(step) : 0};
  if (!graph_) {
    StepFactors factors(device_.torch);
    factors.fill(numbers);
    return take(batch, step, factors);
  }
  if (stop_signal() != 0) return std::nullopt;
  if (bf16_) bf16_->follow_changes();
  return (*graph_)(batch, numbers, [&](const Batch& given, const StepFactors& factors) {
    return take(given, step, factors);
  });
}

std::optional<StepSums> TrainingStep::take(const Batch& batch, std::int64_t step,
                                           const StepFactors& factors) {
  forget_gradients();
  const std::vector<torch::Tensor> buffers = copy_buffers();
  std::optional<StepSums> sums = forward_backward(batch, step);
  if (!sums) {
    restore_buffers(buffers, nullptr);
    return std::nullopt;
  }
  update(*sums, buffers, factors);
  return sums;
}

// From the gradients, unless the step is bad or left out. `buffers`: as they were before it.
void TrainingStep::update(StepSums& sums, const std::vector<torch::Tensor>& buffers,
                          const StepFactors& factors) {
  sums.grad_norm = global_grad_norm(optimizer_->parameters());
  StepInputs inputs = step_inputs(sums.loss, sums.grad_norm, options_.clip_norm, factors.lr_factor);
  sums.bad = inputs.bad;
  if (spikes_) {
    sums.skipped = (*spikes_)(sums.grad_norm, sums.bad);
    inputs.bad = sums.bad + sums.skipped;
  }
  optimizer_->step(inputs);
  restore_buffers(buffers, &inputs.bad);
  if (averages_) averages_->add(factors.ema_share * (1 - inputs.bad));
}

void TrainingStep::forget_gradients() {
  for (const Parameter& p : optimizer_->parameters()) torch::Tensor(p.value).mutable_grad().reset();
}

// Gradients of the mean loss over the batches of all ranks, micro-batch by micro-batch.
std::optional<StepSums> TrainingStep::forward_backward(const Batch& batch, std::int64_t step) {
  const std::int64_t images = batch.images.size(0);
  const std::int64_t micro = options_.micro_batch == 0 ? images : std::min(options_.micro_batch, images);
  const std::int64_t passes = (images + micro - 1) / micro;
  const bool capturing = graph_ && graph_->capturing();
  StepSums sums;
  std::vector<torch::Tensor> gradients;
  {
    const std::vector<torch::Tensor> gradient_points = optimizer_->gradient_points();  // float32
    std::optional<Bf16Weights::Scope> bf16;
    if (bf16_) bf16.emplace(*bf16_);
    const LentValues points = at_points(optimizer_->parameters(), gradient_points);
    for (std::int64_t start = 0; start < images; start += micro) {
      if (!capturing) {
        if (world_->any(stop_signal() != 0)) return std::nullopt;
        RandomStream generator(options_.seed, Purpose::generator, static_cast<std::uint32_t>(step),
                               static_cast<std::uint64_t>(world_->rank() * passes + start / micro));
        torch::manual_seed(generator.next64());
      }
      const std::optional<StepSums> taken = stoppable_step(batch, start, std::min(micro, images - start));
      if (!taken) return std::nullopt;
      const StepSums& part = *taken;
      sums.loss = start == 0 ? part.loss : sums.loss + part.loss;
      sums.right = start == 0 ? part.right : sums.right + part.right;
      if (bf16_ && passes > 1) add_gradients(gradients);
    }
  }
  hand_over_gradients(gradients);
  sums.images = images * world_->size();
  std::vector<torch::Tensor> shared{sums.loss, sums.right};
  for (const Parameter& p : optimizer_->parameters())
    if (p.value.grad().defined()) shared.push_back(p.value.grad());
  world_->sum(shared);
  return sums;
}

// Null: a stop was asked for. Several ranks stop together, and a device's passes are short.
std::optional<StepSums> TrainingStep::stoppable_step(const Batch& batch, std::int64_t start,
                                                     std::int64_t size) {
  const StoppablePass pass(!device_.is_cuda() && world_->size() == 1);
  try {
    return micro_step(batch, start, size);
  } catch (const Interrupted&) {
    return std::nullopt;
  }
}

// Adds a part's share of the gradients.
StepSums TrainingStep::micro_step(const Batch& batch, std::int64_t start, std::int64_t size) {
  const Targets targets{part(batch.labels, start, size), part(batch.partners, start, size), batch.lambda};
  const std::int64_t all = batch.images.size(0) * world_->size();
  Loss loss;
  {
    const torch::Tensor images = part(batch.images, start, size);
    const AutocastScope autocast(device_, !bf16_);
    loss = cross_entropy(logits(bf16_ ? images.to(image_type()) : images), targets, options_.label_smoothing);
  }
  (size == all ? loss.mean : loss.mean * (static_cast<double>(size) / static_cast<double>(all))).backward();
  const torch::NoGradGuard no_grad;
  return {.loss = loss.mean.detach() * static_cast<double>(size),
          .right = loss.right,
          .bad = {},
          .skipped = {},
          .grad_norm = {}};
}

// bfloat16 is too coarse to add many micro-batches up in.
void TrainingStep::add_gradients(std::vector<torch::Tensor>& sums) {
  const torch::NoGradGuard no_grad;
  const std::vector<Parameter>& parameters = optimizer_->parameters();
  sums.resize(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    torch::Tensor& gradient = torch::Tensor(parameters[i].value).mutable_grad();
    if (!gradient.defined()) continue;
    if (sums[i].defined())
      sums[i].add_(gradient);
    else
      sums[i] = gradient.to(torch::kFloat32);
    gradient.reset();
  }
}

// As the optimiser reads them: their sums over micro-batches, if there are any, else what the backward pass
// left.
void TrainingStep::hand_over_gradients(const std::vector<torch::Tensor>& sums) {
  const std::vector<Parameter>& parameters = optimizer_->parameters();
  const bool keeps_bf16 = optimizer_->reads_bf16() && world_->size() == 1;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    torch::Tensor& gradient = torch::Tensor(parameters[i].value).mutable_grad();
    if (!sums.empty()) gradient = sums[i];
    if (gradient.defined() && !keeps_bf16) gradient = gradient.to(torch::kFloat32);
  }
}

torch::Tensor TrainingStep::logits(const torch::Tensor& images) {
  if (images.dim() == 2) return model_->head(images);
  if (!body_frozen_) return model_->forward(images);
  torch::Tensor features;
  {
    const torch::NoGradGuard no_grad;
    features = model_->features(images);
  }
  return model_->head(features);
}

// Batch norm's running statistics change in the forward pass: a step that is not applied must give them back.
// Masks and permutations do not.
std::vector<torch::Tensor> TrainingStep::changing_buffers() const {
  std::vector<torch::Tensor> buffers = model_->buffers();
  std::erase_if(buffers,
                [](const torch::Tensor& each) { return !each.is_floating_point() && each.dim() > 0; });
  return buffers;
}

std::vector<torch::Tensor> TrainingStep::copy_buffers() const {
  std::vector<torch::Tensor> saved;
  for (const torch::Tensor& buffer : changing_buffers()) saved.push_back(buffer.clone());
  return saved;
}

void TrainingStep::restore_buffers(const std::vector<torch::Tensor>& saved, const torch::Tensor* where_bad) {
  const torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> buffers = changing_buffers();
  for (std::size_t i = 0; i < saved.size(); ++i) {
    torch::Tensor buffer = buffers[i];
    buffer.copy_(where_bad == nullptr ? saved[i] : torch::where(*where_bad != 0, saved[i], buffer));
  }
}

}  // namespace smlp
