#pragma once
#include <torch/types.h>

#include <cstdint>
#include <mutex>
#include <vector>

namespace smlp {

// What one optimiser step, or one evaluation batch, sees. With MixUp the images are already mixed:
// lambda · image + (1 − lambda) · partner's image, and the loss mixes `labels` and `partners` with the same
// lambda.
struct Batch {
  torch::Tensor images;     // [B, 3, size, size] float; or a frozen body's features of them, [B, width]
  torch::Tensor labels;     // [B] int64
  torch::Tensor partners;   // [B] int64, the mixed-in images' labels; undefined without MixUp
  torch::Tensor lambda;     // [] float; undefined without MixUp
  double data_seconds = 0;  // how long next() waited for it
};

// Host memory for batches, used again when nobody holds the tensors any more, so that a batch costs no page
// faults. Safe to share between threads.
class HostBuffers {
 public:
  explicit HostBuffers(bool pinned = false) : pinned_(pinned) {}
  torch::Tensor take(torch::IntArrayRef shape, torch::ScalarType type);  // contents undefined

 private:
  const bool pinned_;
  std::mutex mutex_;
  std::vector<torch::Tensor> buffers_;
};

// Makes batches by number: the same batch for the same step, on any thread, in any order.
class BatchSource {
 public:
  BatchSource() = default;
  virtual ~BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;
  virtual Batch make(std::int64_t step, HostBuffers& buffers) const = 0;  // host tensors from `buffers`
};

// A batch of `shape` [B, …] whose i-th image fill(i, out) writes and whose i-th label it returns.
template <class Fill>
Batch make_batch(HostBuffers& buffers, torch::IntArrayRef shape, const Fill& fill) {
  Batch batch;
  batch.images = buffers.take(shape, torch::kFloat32);
  batch.labels = buffers.take({shape[0]}, torch::kInt64);
  auto* out = batch.images.mutable_data_ptr<float>();
  auto* labels = batch.labels.mutable_data_ptr<std::int64_t>();
  const std::int64_t size = batch.images.numel() / shape[0];
  for (std::int64_t i = 0; i < shape[0]; ++i, out += size) labels[i] = fill(i, out);
  return batch;
}

}  // namespace smlp
