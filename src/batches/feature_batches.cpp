#include "smlp/batches/feature_batches.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"

namespace smlp {

FeatureBatches::FeatureBatches(std::shared_ptr<const NpyFile> features,
                               std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen,
                               std::int64_t batch_size, std::optional<SampleOrder> order)
    : features_(std::move(features)),
      dataset_(std::move(dataset)),
      chosen_(std::move(chosen)),
      batch_size_(batch_size),
      order_(order) {
  const NpyHeader& header = features_->header();
  const std::int64_t expected = chosen_.empty() ? dataset_->size() : std::ssize(chosen_);
  if (header.dtype != "<f4" || header.shape.size() != 2 || header.shape[0] != expected)
    fail(ErrorKind::failed, "features of {} images were expected for {}", expected, dataset_->description());
}

std::int64_t FeatureBatches::steps() const {
  return (images() + batch_size_ - 1) / batch_size_;
}

// Of sample k of the run.
std::int64_t FeatureBatches::row(std::int64_t k) const {
  const std::int64_t n = images();
  return order_ ? (*order_)(static_cast<std::uint32_t>(k / n), k % n) : k;
}

std::vector<std::int64_t> FeatureBatches::images_of(std::int64_t step) const {
  std::vector<std::int64_t> images;
  for (std::int64_t i = 0; i < batch_size_; ++i) {
    const std::int64_t each = row(step * batch_size_ + i);
    images.push_back(chosen_.empty() ? each : chosen_[each]);
  }
  return images;
}

Batch FeatureBatches::make(std::int64_t step, HostBuffers& buffers) const {
  const std::int64_t width = features_->header().shape[1], first = step * batch_size_;
  const std::int64_t count = order_ ? batch_size_ : std::min(batch_size_, images() - first);
  const auto* rows = reinterpret_cast<const float*>(features_->data());
  const auto copy = [&](std::int64_t i, float* out) {
    const std::int64_t from = row(first + i);
    std::copy_n(rows + from * width, width, out);
    return dataset_->label(chosen_.empty() ? from : chosen_[from]);
  };
  return make_batch(buffers, {count, width}, [&](const Batch&, std::int64_t /*first*/) { return copy; });
}

}  // namespace smlp
