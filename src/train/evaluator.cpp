#include "smlp/train/evaluator.hpp"

#include "evaluation_sums.hpp"
#include "smlp/batches/image_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/nn/stoppable.hpp"

namespace smlp {
namespace {

// A stop that is asked for: Interrupted.
EvaluationResult evaluate_all(Model& model, const Device& device, std::shared_ptr<const BatchSource> source,
                              std::int64_t steps, int classes, const EvaluationOptions& options) {
  const EvaluationMode mode(model);
  BatchLoader loader(std::move(source), 0, steps, options.workers, options.prefetch, device.torch);
  EvaluationSums sums(classes, device.torch, options.real, options.keep_predictions);
  std::vector<torch::Tensor> kept;
  const StoppablePass pass(!device.is_cuda());
  for (std::int64_t step = 0; step < steps; ++step) {
    stop_when_told();
    const Batch batch = loader.next();
    const AutocastScope autocast(device);
    const torch::Tensor logits = logits_of(model, batch);
    sums.add(logits, batch.labels);
    if (options.keep_logits) kept.push_back(logits.to(torch::kCPU, torch::kFloat32));
  }
  EvaluationResult result = sums.result();
  if (options.keep_logits) result.logits = values_of<float>(kept);
  return result;
}

}  // namespace

std::optional<EvaluationResult> evaluate(Model& model, const Device& device,
                                         std::shared_ptr<const BatchSource> source, std::int64_t steps,
                                         int classes, const EvaluationOptions& options) {
  try {
    return evaluate_all(model, device, std::move(source), steps, classes, options);
  } catch (const Interrupted&) {
    return std::nullopt;
  }
}

std::optional<EvaluationResult> evaluate(Model& model, const Device& device,
                                         std::shared_ptr<const Dataset> dataset,
                                         const std::vector<std::int64_t>& indices,
                                         const ChannelStatistics& normalization,
                                         const EvaluationOptions& options) {
  dataset->check_files();
  check_real_labels(options.real, indices.empty() ? dataset->size() : -1, *dataset);
  const int classes = dataset->classes();
  const auto source = std::make_shared<EvaluationImages>(
      std::move(dataset), indices,
      RenderOptions{normalization, options.image_size, options.batch_size, options.permute_pixels});
  return evaluate(model, device, source, source->steps(), classes, options);
}

}  // namespace smlp
