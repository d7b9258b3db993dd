#include "smlp/train/tta.hpp"

#include <algorithm>
#include <cmath>

#include "evaluation_sums.hpp"
#include "smlp/batches/image_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/train/resident_images.hpp"

namespace smlp {
namespace {

// Sums of logits, or logarithms of sums of probabilities, which do not underflow.
torch::Tensor add(const torch::Tensor& sum, const torch::Tensor& logits, bool softmax) {
  const torch::Tensor one = softmax ? logits.log_softmax(1) : logits;
  if (!sum.defined()) return one;
  return softmax ? torch::logaddexp(sum, one) : sum + one;
}

torch::Tensor average(const torch::Tensor& sum, std::int64_t crops, bool softmax) {
  return softmax ? sum - std::log(static_cast<double>(crops)) : sum / static_cast<double>(crops);
}

}  // namespace

std::vector<std::int64_t> crop_marks(std::int64_t crops) {
  std::vector<std::int64_t> marks;
  for (std::int64_t decade = 1; decade < crops; decade *= 10)
    for (const std::int64_t step : {1, 2, 5})
      if (decade * step < crops) marks.push_back(decade * step);
  marks.push_back(crops);
  return marks;
}

std::optional<std::vector<TtaResult>> evaluate_crops(Model& model, const Device& device,
                                                     std::shared_ptr<const Dataset> dataset,
                                                     const ChannelStatistics& normalization,
                                                     const EvaluationOptions& options,
                                                     const TtaOptions& tta) {
  dataset->check_files();
  check_real_labels(options.real, dataset->size(), *dataset);
  const EvaluationMode mode(model);
  const double wanted = static_cast<double>(dataset->size()) * static_cast<double>(tta.crops);
  const RenderOptions rendering{
      normalization, options.image_size, options.batch_size, options.permute_pixels,
      resident_bytes(options.resident, *dataset, wanted, device.torch, /*others=*/0) > 0};
  const auto source = std::make_shared<CropImages>(dataset, rendering, tta.augment, tta.crops, tta.seed);
  BatchLoader loader(source, 0, source->steps(), options.workers, options.prefetch, device.torch);
  const std::vector<std::int64_t> marks = crop_marks(tta.crops);
  std::vector<EvaluationSums> sums;
  for (const std::int64_t mark : marks)
    sums.emplace_back(dataset->classes(), device.torch, options.real,
                      options.keep_predictions && mark == tta.crops);
  std::vector<torch::Tensor> kept;
  torch::Tensor sum;
  ProgressBar progress("crops", source->steps());
  for (std::int64_t step = 0; step < source->steps(); ++step) {
    if (stop_signal() != 0) return std::nullopt;
    const Batch batch = loader.next();
    torch::Tensor outputs;
    {
      const AutocastScope autocast(device);
      outputs = logits_of(model, batch).to(torch::kFloat32);
    }
    const std::int64_t crop = step % tta.crops + 1;
    if (crop == 1) sum.reset();
    sum = add(sum, outputs, tta.average_softmax);
    const auto mark = std::find(marks.begin(), marks.end(), crop);
    if (mark != marks.end())
      sums[static_cast<std::size_t>(mark - marks.begin())].add(average(sum, crop, tta.average_softmax),
                                                               batch.labels);
    if (crop == tta.crops && options.keep_logits)
      kept.push_back(average(sum, crop, tta.average_softmax).to(torch::kCPU));
    progress.update(step + 1, "");
  }
  std::vector<TtaResult> results;
  for (std::size_t i = 0; i < marks.size(); ++i) results.push_back({marks[i], sums[i].result()});
  if (options.keep_logits) results.back().result.logits = values_of<float>(kept);
  return results;
}

}  // namespace smlp
