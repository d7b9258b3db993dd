#include "smlp/train/features.hpp"

#include "smlp/batches/image_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"

namespace smlp {
namespace {

constexpr std::int64_t batch_size = 512;

std::string part_name(Part part) {
  return part == Part::train ? "train" : part == Part::test ? "test" : "holdout";
}

}  // namespace

FeatureCache::FeatureCache(std::filesystem::path folder) : folder_(std::move(folder)) {
  fs::remove_all(folder_);  // of a run that was killed
  std::error_code error;
  if (!fs::create_directory(folder_, error))
    fail(ErrorKind::failed, "cannot make the folder {}: {}", folder_.string(), error.message());
}

FeatureCache::~FeatureCache() {
  files_.clear();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::shared_ptr<const NpyFile> FeatureCache::features(Experiment& experiment, Part part) {
  if (const auto found = files_.find(part); found != files_.end()) return found->second;
  const DataConfig& data = experiment.config.data;
  const std::string name = part_name(part);
  const PartImages of_part = experiment.images_of(part);
  const auto images = std::make_shared<EvaluationImages>(
      of_part.dataset, *of_part.chosen,
      RenderOptions{experiment.normalization, experiment.image_size(), batch_size, data.permute_pixels});
  BatchLoader loader(images, 0, images->steps(), experiment.workers(), static_cast<int>(data.prefetch),
                     experiment.device.torch);
  const fs::path path = folder_ / (name + ".npy");
  std::optional<NpyWriter> writer;
  ProgressBar progress("features", images->steps());
  const torch::NoGradGuard no_grad;
  for (std::int64_t step = 0; step < images->steps(); ++step) {
    if (stop_signal() != 0) return nullptr;
    const AutocastScope autocast(experiment.device);
    const torch::Tensor rows =
        experiment.model->features(loader.next().images).to(torch::kCPU, torch::kFloat32).contiguous();
    if (!writer) writer.emplace(path, "<f4", std::vector<std::int64_t>{rows.size(1)});
    writer->append(rows.const_data_ptr(), rows.size(0));
    progress.update(step + 1, name);
  }
  writer->commit();
  return files_.emplace(part, std::make_shared<const NpyFile>(path)).first->second;
}

}  // namespace smlp
