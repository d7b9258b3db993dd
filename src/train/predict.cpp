#include "smlp/train/predict.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>

#include "evaluation_sums.hpp"
#include "smlp/batches/image_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/signals.hpp"

namespace smlp {
namespace {

// Batches of loaded images; with crops, image i's are the rows from i × crops. The label is whether the image
// was there; the rows of one that was not are zeros.
class SuppliedImages : public BatchSource {
 public:
  SuppliedImages(std::shared_ptr<const ImageSupply> images, const PredictOptions& options)
      : images_(std::move(images)),
        options_(options),
        crops_(options.tta ? options.tta->crops : 1),
        per_batch_(std::max<std::int64_t>(1, options.batch_size / crops_)) {
    if (options.tta) check_augment(options.tta->augment);
  }

  std::int64_t crops() const { return crops_; }
  std::int64_t per_batch() const { return per_batch_; }
  std::int64_t steps() const { return (images_->size() + per_batch_ - 1) / per_batch_; }

  Batch make(std::int64_t step, HostBuffers& buffers) const override {
    const std::int64_t first = step * per_batch_, count = std::min(per_batch_, images_->size() - first);
    const std::int64_t side = options_.image_size;
    return make_batch(buffers, {count * crops_, 3, side, side}, [&](const Batch&, std::int64_t first_row) {
      return [&, first_row, image = std::optional<Image>()](std::int64_t row, float* out) mutable {
        const std::int64_t i = first + row / crops_;
        if (row == first_row || row % crops_ == 0) image = load(i);
        if (image) render(*image, i, static_cast<std::uint32_t>(row % crops_), out);
        if (!image) std::fill_n(out, 3 * side * side, 0.0f);
        return std::int64_t{image.has_value()};
      };
    });
  }

  std::string take_error(std::int64_t i) const {
    const std::lock_guard lock(mutex_);
    const auto found = errors_.extract(i);
    return found.empty() ? "" : found.mapped();
  }

 private:
  std::optional<Image> load(std::int64_t i) const {
    try {
      return images_->load(i);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      const std::lock_guard lock(mutex_);
      errors_[i] = error.what();
      return std::nullopt;
    }
  }

  void render(const Image& image, std::int64_t i, std::uint32_t crop, float* out) const {
    RendererPool::Lease renderer(renderers(image.width));
    if (!options_.tta) return (*renderer).render(image.pixels.data(), out);
    const TtaOptions& tta = *options_.tta;
    const CropBox box =
        draw_crop(tta.augment, image.width, tta.seed, crop, static_cast<std::uint64_t>(i), Purpose::tta);
    (*renderer).render(image.pixels.data(), box, out);
  }

  RendererPool& renderers(int side) const {
    const std::lock_guard lock(mutex_);
    return renderers_
        .try_emplace(side, side, options_.image_size, options_.normalization, options_.permute_pixels)
        .first->second;
  }

  const std::shared_ptr<const ImageSupply> images_;
  const PredictOptions options_;
  const std::int64_t crops_, per_batch_;
  mutable std::mutex mutex_;
  mutable std::map<int, RendererPool> renderers_;  // by the images' side
  mutable std::map<std::int64_t, std::string> errors_;
};

// [B × crops, classes] → [B, classes]: logarithms of probabilities, up to a constant.
torch::Tensor average(const torch::Tensor& logits, std::int64_t crops, const std::optional<TtaOptions>& tta) {
  if (!tta) return logits;
  const torch::Tensor of_image = logits.view({-1, crops, logits.size(1)});
  return tta->average_softmax ? of_image.log_softmax(2).logsumexp(1) : of_image.mean(1);
}

Predictions likeliest(const torch::Tensor& logits, std::int64_t top) {
  const auto [values, classes] = logits.softmax(1).topk(std::min(top, logits.size(1)), 1);
  return {static_cast<std::size_t>(classes.size(1)), values_of<std::int64_t>({classes.to(torch::kCPU)}),
          values_of<float>({values.to(torch::kCPU)})};
}

std::vector<float> rows_of(const torch::Tensor& features, const torch::Tensor& there) {
  const torch::Tensor rows =
      features.to(torch::kFloat32)
          .masked_fill(there.eq(0).unsqueeze(1), std::numeric_limits<double>::quiet_NaN());
  return values_of<float>({rows.to(torch::kCPU)});
}

}  // namespace

bool predict(Model& model, const Device& device, std::shared_ptr<const ImageSupply> images,
             const PredictOptions& options, const std::function<void(const PredictedBatch&)>& sink) {
  const EvaluationMode mode(model);
  const auto source = std::make_shared<SuppliedImages>(std::move(images), options);
  BatchLoader loader(source, 0, source->steps(), options.workers, options.prefetch, device.torch);
  for (std::int64_t step = 0; step < source->steps(); ++step) {
    if (stop_signal() != 0) return false;
    const Batch batch = loader.next();
    const AutocastScope autocast(device);
    const torch::Tensor features = model.features(batch.images);
    const torch::Tensor logits = model.head(features).to(torch::kFloat32);
    PredictedBatch result{
        .first = step * source->per_batch(), .errors = {}, .predictions = {}, .features = {}};
    result.predictions = likeliest(average(logits, source->crops(), options.tta), options.top);
    if (options.keep_features) result.features = rows_of(features, batch.labels);
    for (std::int64_t i = 0; i < batch.images.size(0) / source->crops(); ++i)
      result.errors.push_back(source->take_error(result.first + i));
    sink(result);
  }
  return true;
}

}  // namespace smlp
