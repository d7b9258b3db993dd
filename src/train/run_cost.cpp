#include "smlp/train/run_cost.hpp"

#include <algorithm>

#include "smlp/batches/loader.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/device/capability.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/train/resident_images.hpp"

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

double trained_bytes(const Experiment& e) {
  if (!e.model) return e.body_frozen() ? 0 : sizeof(float) * static_cast<double>(total(e.costs()).parameters);
  double bytes = 0;
  for (const Parameter& parameter : e.trained) bytes += static_cast<double>(parameter.value.nbytes());
  return bytes;
}

// "weights 1.2 GiB, …"
std::string parts_of(const MemoryNeed& need, double batches) {
  return fmt::format("weights {}, gradients {}, optimiser {}, activations {}, batches {}{}",
                     human_bytes(need.weights), human_bytes(need.gradients), human_bytes(need.optimizer),
                     human_bytes(need.activations + need.passing), human_bytes(batches),
                     need.images > 0 ? fmt::format(", the training set {}", human_bytes(need.images)) : "");
}

// What can be made smaller so that `need` fits into `room` bytes.
std::string what_to_lower(const Experiment& e, const MemoryNeed& need, double fixed, double room) {
  const double image = need.activations / static_cast<double>(e.plan.micro_batch);
  std::int64_t micro = 1;
  if (need.weights + need.gradients + need.optimizer + need.passing > room) return "take a smaller model";
  while (static_cast<double>(2 * micro) * image < room - fixed && 2 * micro < e.plan.micro_batch) micro *= 2;
  if (fixed + image > room) return "take a smaller model, or a smaller --batch-size";
  return fmt::format("--set train.micro_batch={} would fit", micro);
}

}  // namespace

MemoryNeed memory_need(const Experiment& e) {
  const CostRow model = total(e.costs());
  const double side = static_cast<double>(e.config.data.image_size);
  MemoryNeed cost;
  const bool copied = e.device.precision == Precision::bf16 && fused_kernels();
  cost.weights = (sizeof(float) + (copied ? 2.0 : 0.0)) * static_cast<double>(model.parameters) +
                 static_cast<double>(model.fixed_bytes);
  cost.passing = static_cast<double>(model.passing_bytes);
  cost.gradients = trained_bytes(e);
  if (e.config.train.ema > 0) cost.weights += cost.gradients;
  cost.optimizer = cost.gradients * static_cast<double>(e.config.optim->state_values());
  cost.checkpoint = sizeof(float) * static_cast<double>(model.parameters) + cost.optimizer;
  if (e.config.train.ema > 0) cost.checkpoint += cost.gradients;
  // Logits, their logarithms of softmax, and the gradient of these.
  const double outputs = 3.0 * sizeof(float) * static_cast<double>(e.train_set->classes());
  cost.activations = ((e.body_frozen() ? 0 : static_cast<double>(model.saved_bytes)) + outputs) *
                     static_cast<double>(e.plan.micro_batch);
  const double batch = static_cast<double>(e.config.train.batch_size);
  const bool rendered = renders_on(e.device.torch, e.train_set->image_size());
  const double values = 3 * side * side * batch;
  const double images = values * (rendered && copied ? 2 : sizeof(float));
  const double packed = static_cast<double>(e.train_set->image_size());
  // A captured step reads its own.
  const double own = e.device.graph == GraphUse::off ? 0 : values * (copied ? 2 : sizeof(float));
  if (e.device.is_cuda()) cost.batches_on_device = BatchLoader::batches_in_flight * images + own;
  if (!e.keeps_features() && !e.solves_head())
    cost.images =
        resident_bytes(e.config.data.resident, *e.train_set,
                       static_cast<double>(e.plan.total_steps()) * batch, e.device.torch, cost.on_device());
  const double sent = cost.images > 0 ? 0 : rendered ? 3 * packed * packed * batch : images;
  if (e.device.is_cuda()) cost.batches_on_device += sent;
  cost.batches_on_host = sent * static_cast<double>(1 + e.workers() * e.config.data.prefetch);
  return cost;
}

RunCost run_cost(const Experiment& e) {
  RunCost cost{memory_need(e)};
  cost.images = static_cast<double>(e.plan.total_steps()) * static_cast<double>(e.plan.batch_size);
  cost.forward_macs = static_cast<double>(total(e.costs()).macs);
  cost.training_macs = training_macs(e, cost.images);
  return cost;
}

MemoryVerdict judge_memory(const Experiment& e, const HostMemory& host, double device_total) {
  const MemoryNeed need = memory_need(e);
  MemoryVerdict verdict;
  const auto judge = [&](const char* place, double bytes, double total, double available) {
    if (bytes <= std::min(total, available) || (bytes <= total && !verdict.text.empty())) return;
    verdict.fits = bytes <= total;
    const double room = verdict.fits ? available : total;
    const std::string parts =
        e.device.is_cuda() ? parts_of(need, need.batches_on_device)
                           : fmt::format("{}, a checkpoint being written {}",
                                         parts_of(need, need.batches_on_host), human_bytes(need.checkpoint));
    verdict.text =
        fmt::format("this run needs about {} of {} memory ({}), {} {}: {}", human_bytes(bytes), place, parts,
                    human_bytes(room), verdict.fits ? "are free now" : "are all there is",
                    what_to_lower(e, need, bytes - need.activations, room));
  };
  if (e.device.is_cuda()) {
    judge("the device's", need.on_device(), device_total, device_total);
    judge("the host's", need.weights + need.batches_on_host + need.checkpoint, host.total, host.available);
  } else {
    judge("this machine's", need.on_device() + need.batches_on_host + need.checkpoint, host.total,
          host.available);
  }
  return verdict;
}

MemoryVerdict judge_memory(const Experiment& e) {
  const double device = e.device.is_cuda() ? static_cast<double>(cuda_driver().devices.front().memory) : 0;
  return judge_memory(e, host_memory(), device);
}

std::string describe_cost(const Experiment& e) {
  const RunCost cost = run_cost(e);
  return fmt::format(
      "images     {} ({} of {})\n"
      "compute    {} MACs forward an image, {} MACs to train\n"
      "memory     {} on the device ({}), {} of batches and {} of a checkpoint being written on the host",
      human_count(cost.images), counted(e.plan.total_steps(), "step"), e.plan.batch_size,
      human_count(cost.forward_macs), human_count(cost.training_macs), human_bytes(cost.on_device()),
      parts_of(cost, cost.batches_on_device), human_bytes(cost.batches_on_host),
      human_bytes(cost.checkpoint));
}

}  // namespace smlp
