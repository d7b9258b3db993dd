#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace smlp {

// What a device renders a batch's images from.
struct Views {
  torch::Tensor pixels;  // [N, size, size, 3] uint8, as packed; undefined: the renderer has the whole set's
  torch::Tensor boxes;   // [N, 6] int32: an ImageView a row
  bool mixed = false;    // N is B + 1, row 0 the partner of the first image, which is row 1; else N is B
  float own_weight = 1, other_weight = 0;  // MixUp's, of an image and of the one before it

  bool defined() const { return boxes.defined(); }
};

// What one optimiser step, or one evaluation batch, sees. With MixUp the images are already mixed:
// lambda · image + (1 − lambda) · partner's image, and the loss mixes `labels` and `partners` with the same
// lambda.
struct Batch {
  torch::Tensor images;  // [B, 3, size, size] float32, or bfloat16 from a device; or a frozen body's features
                         // of them, [B, width]
  torch::Tensor labels;  // [B] int64
  torch::Tensor partners;  // [B] int64, the mixed-in images' labels; undefined without MixUp
  torch::Tensor lambda;    // [] float; undefined without MixUp
  Views views{};           // in place of images, until they are rendered
  // int64: the memory of labels, partners, lambda and boxes, so that one copy sends them all; undefined: they
  // have their own.
  torch::Tensor small{};
  double data_seconds = 0;  // how long next() waited for it

  // Makes labels, those of partners and lambda where it is mixed, and so many boxes parts of `memory`: int64,
  // small_size of them, on any device.
  void lay_out(torch::Tensor memory, std::int64_t images, bool mixed, std::int64_t boxes);
  static std::int64_t small_size(std::int64_t images, bool mixed, std::int64_t boxes);
};

// Host memory for batches, used again when nobody holds the tensors any more, so that a batch costs no page
// faults. Safe to share between threads.
class HostBuffers {
 public:
  explicit HostBuffers(bool pinned = false) : pinned_(pinned) {}
  torch::Tensor take(torch::IntArrayRef shape, torch::ScalarType type);  // contents undefined

  // From now on LibTorch's threads fill them together, not the calling one alone. Not beside fill().
  void fill_in_parallel() { parallel_ = true; }
  // Calls fill(first, end) until all of [0, count) are filled.
  void fill(std::int64_t count, const std::function<void(std::int64_t first, std::int64_t end)>& fill) const;

 private:
  const bool pinned_;
  bool parallel_ = false;
  std::mutex mutex_;
  std::vector<torch::Tensor> buffers_;
};

class DeviceRenderer;

// Makes batches by number: the same batch for the same step, on any thread, in any order.
class BatchSource {
 public:
  BatchSource() = default;
  virtual ~BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;
  virtual Batch make(std::int64_t step, HostBuffers& buffers) const = 0;  // host tensors from `buffers`

  // What renders make_views()'s images on a device; null: make() alone can be used there. type: of the
  // images, float32 or bfloat16.
  virtual std::unique_ptr<DeviceRenderer> renderer_on(torch::Device device, torch::ScalarType type) const;
  // The same batch with views in place of the images.
  virtual Batch make_views(std::int64_t step, HostBuffers& buffers) const;

  // What the batch of a training step holds, over all ranks: places in the data set. Empty: not known.
  virtual std::vector<std::int64_t> images_of(std::int64_t /*step*/) const { return {}; }
};

// A batch of `shape` [B, …], with room for the partners' labels and lambda where it is `mixed`: begin(batch,
// first) is called for each part that one thread fills, and what it returns then for the part's images i in
// their order: it writes the image to `out` and returns its label.
template <class Begin>
Batch make_batch(HostBuffers& buffers, torch::IntArrayRef shape, const Begin& begin, bool mixed = false) {
  Batch batch;
  batch.images = buffers.take(shape, torch::kFloat32);
  batch.lay_out(buffers.take({Batch::small_size(shape[0], mixed, 0)}, torch::kInt64), shape[0], mixed, 0);
  auto* const images = batch.images.mutable_data_ptr<float>();
  auto* const labels = batch.labels.mutable_data_ptr<std::int64_t>();
  const std::int64_t size = batch.images.numel() / shape[0];
  buffers.fill(shape[0], [&](std::int64_t first, std::int64_t end) {
    auto&& fill = begin(batch, first);
    for (std::int64_t i = first; i < end; ++i) labels[i] = fill(i, images + i * size);
  });
  return batch;
}

}  // namespace smlp
