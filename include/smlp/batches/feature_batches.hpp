#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "smlp/batches/batch.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/data/sample_order.hpp"
#include "smlp/formats/npy.hpp"

namespace smlp {

// The features of images in place of the images, row i of the file for the i-th of `chosen`: whole epochs in
// `order` as TrainImages hands them out, or without `order` each once, as EvaluationImages does.
class FeatureBatches : public BatchSource {
 public:
  // features: float32 [N, width]. chosen: indices into the data set, as many; empty: all images.
  FeatureBatches(std::shared_ptr<const NpyFile> features, std::shared_ptr<const Dataset> dataset,
                 std::vector<std::int64_t> chosen, std::int64_t batch_size, std::optional<SampleOrder> order);

  std::int64_t steps() const;
  Batch make(std::int64_t step, HostBuffers& buffers) const override;
  std::vector<std::int64_t> images_of(std::int64_t step) const override;

 private:
  std::int64_t row(std::int64_t sample) const;
  std::int64_t images() const { return features_->header().shape[0]; }

  const std::shared_ptr<const NpyFile> features_;
  const std::shared_ptr<const Dataset> dataset_;
  const std::vector<std::int64_t> chosen_;
  const std::int64_t batch_size_;
  const std::optional<SampleOrder> order_;
};

}  // namespace smlp
