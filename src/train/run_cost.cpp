#include "smlp/train/run_cost.hpp"

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/device/fused.hpp"

namespace smlp {
namespace {

double training_macs(const Experiment& e, double images) {
  double head = 0, body = 0;
  for (const CostRow& row : e.costs())
    ((row.layer + ".").starts_with(e.model->head_prefix()) ? head : body) += static_cast<double>(row.macs);
  if (e.keeps_features())
    return body * static_cast<double>(e.plan.images) + (e.solves_head() ? 0 : 3 * head * images);
  return (e.body_frozen() ? body : 3 * body) * images + 3 * head * images;
}

}  // namespace

RunCost run_cost(const Experiment& e) {
  const CostRow model = total(e.costs());
  const double side = static_cast<double>(e.config.data.image_size);
  RunCost cost;
  cost.images = static_cast<double>(e.plan.total_steps()) * static_cast<double>(e.plan.batch_size);
  cost.forward_macs = static_cast<double>(model.macs);
  cost.training_macs = training_macs(e, cost.images);

  const bool copied = e.device.precision == Precision::bf16 && fused_kernels();
  cost.weights = (sizeof(float) + (copied ? 2.0 : 0.0)) * static_cast<double>(model.parameters);
  for (const Parameter& parameter : e.trained)
    cost.gradients += static_cast<double>(parameter.value.nbytes());
  cost.optimizer = cost.gradients * static_cast<double>(e.config.optim->state_values());
  // Logits, their logarithms of softmax, and the gradient of these.
  const double outputs = 3.0 * sizeof(float) * static_cast<double>(e.train_set->classes());
  cost.activations = ((e.body_frozen() ? 0 : static_cast<double>(model.saved_bytes)) + outputs) *
                     static_cast<double>(e.plan.micro_batch);
  const double batch = 3 * side * side * sizeof(float) * static_cast<double>(e.config.train.batch_size);
  // The next one is copied while one is used; a captured step reads its own.
  const double kept = e.device.graph == GraphUse::off ? 2 : copied ? 2.5 : 3;
  cost.batches_on_device = e.device.is_cuda() ? kept * batch : 0;
  cost.batches_on_host = batch * static_cast<double>(1 + e.workers() * e.config.data.prefetch);
  return cost;
}

std::string describe_cost(const Experiment& e) {
  const RunCost cost = run_cost(e);
  return fmt::format(
      "images     {} ({} steps of {})\n"
      "compute    {} MACs forward an image, {} MACs to train\n"
      "memory     {} on the device (weights {}, gradients {}, optimiser {}, activations {}, batches {}), {} "
      "of batches on the host",
      human_count(cost.images), e.plan.total_steps(), e.plan.batch_size, human_count(cost.forward_macs),
      human_count(cost.training_macs), human_bytes(cost.on_device()), human_bytes(cost.weights),
      human_bytes(cost.gradients), human_bytes(cost.optimizer), human_bytes(cost.activations),
      human_bytes(cost.batches_on_device), human_bytes(cost.batches_on_host));
}

}  // namespace smlp
