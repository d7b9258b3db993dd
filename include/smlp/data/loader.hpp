#pragma once
#include <c10/core/Stream.h>
#include <torch/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "smlp/data/augment.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/data/sample_order.hpp"
#include "smlp/formats/npy.hpp"

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

// Renderers for as many threads as ask at once.
class RendererPool {
 public:
  RendererPool(int source_size, int output_size, ChannelStatistics normalization);

  // A renderer for as long as the lease lives.
  class Lease {
   public:
    explicit Lease(RendererPool& pool);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Renderer& operator*() { return *renderer_; }

   private:
    RendererPool& pool_;
    std::unique_ptr<Renderer> renderer_;
  };

 private:
  const int source_size_, output_size_;
  const ChannelStatistics normalization_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Renderer>> free_;
};

// The stream of training images. Sample k of a run is image order_{k / N}[k mod N] of the N chosen ones,
// where order_e is SampleOrder's permutation of (seed, epoch e); step s takes samples [s·B, (s+1)·B), so
// batches straddle epochs and all have B images. Crop and flip are drawn by (seed, epoch, image), MixUp's
// weight by (seed, step); an image's partner is the sample before it in the whole batch, the first one's is
// the last.
class TrainImages : public BatchSource {
 public:
  // chosen: indices into the data set, ascending, not empty. window: of SampleOrder, in images. batch_size:
  // over all ranks, divisible by `world`; a batch of rank r is the r-th of `world` equal parts of the whole
  // one.
  TrainImages(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen, AugmentConfig augment,
              const ChannelStatistics& normalization, int image_size, std::int64_t batch_size,
              std::uint64_t seed, int rank = 0, int world = 1, std::int64_t window = 0);

  Batch make(std::int64_t step, HostBuffers& buffers) const override;

 private:
  struct Sample {
    std::int64_t image;
    std::uint32_t epoch;
  };
  Sample sample(std::int64_t k) const;
  void read_ahead(std::int64_t k) const;
  void render(Renderer& renderer, const Sample& sample, float* out) const;
  void mix(Renderer& renderer, std::int64_t first, std::int64_t previous, double lambda, Batch& batch) const;

  const std::shared_ptr<const Dataset> dataset_;
  const std::vector<std::int64_t> chosen_;
  const AugmentConfig augment_;
  const int image_size_;
  const std::int64_t batch_size_;
  const std::uint64_t seed_;
  const SampleOrder order_;
  const int rank_, world_;
  mutable std::atomic<std::int64_t> read_ahead_from_{-1};
  mutable RendererPool renderers_;
};

// Whole images in order, resized to image_size; the last batch may be shorter.
class EvaluationImages : public BatchSource {
 public:
  // chosen: indices into the data set; empty: all images.
  EvaluationImages(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen,
                   const ChannelStatistics& normalization, int image_size, std::int64_t batch_size);

  std::int64_t images() const;
  std::int64_t steps() const;
  Batch make(std::int64_t step, HostBuffers& buffers) const override;  // step < steps()

 private:
  const std::shared_ptr<const Dataset> dataset_;
  const std::vector<std::int64_t> chosen_;
  const int image_size_;
  const std::int64_t batch_size_;
  mutable RendererPool renderers_;
};

// Random crops of the images in order, for test-time augmentation: step s is crop s mod `crops` of the s /
// crops-th `batch_size` images, drawn by (seed, crop, image), whole images when the configuration has no
// crop.
class CropImages : public BatchSource {
 public:
  CropImages(std::shared_ptr<const Dataset> dataset, AugmentConfig augment, std::int64_t crops,
             const ChannelStatistics& normalization, int image_size, std::int64_t batch_size,
             std::uint64_t seed);

  std::int64_t steps() const;
  Batch make(std::int64_t step, HostBuffers& buffers) const override;  // step < steps()

 private:
  const std::shared_ptr<const Dataset> dataset_;
  const AugmentConfig augment_;
  const std::int64_t crops_;
  const int image_size_;
  const std::int64_t batch_size_;
  const std::uint64_t seed_;
  mutable RendererPool renderers_;
};

// The features of images in place of the images, row i of the file for the i-th of `chosen`: whole epochs in
// `order` as TrainImages hands them out, or without `order` each once, as EvaluationImages does.
class FeatureBatches : public BatchSource {
 public:
  // features: float32 [N, width]. chosen: indices into the data set, as many; empty: all images.
  FeatureBatches(std::shared_ptr<const NpyFile> features, std::shared_ptr<const Dataset> dataset,
                 std::vector<std::int64_t> chosen, std::int64_t batch_size, std::optional<SampleOrder> order);

  std::int64_t steps() const;
  Batch make(std::int64_t step, HostBuffers& buffers) const override;

 private:
  std::int64_t images() const { return features_->header().shape[0]; }

  const std::shared_ptr<const NpyFile> features_;
  const std::shared_ptr<const Dataset> dataset_;
  const std::vector<std::int64_t> chosen_;
  const std::int64_t batch_size_;
  const std::optional<SampleOrder> order_;
};

// Hands out the batches of steps [first_step, last_step) strictly in order. With workers > 0 that many
// threads render up to `prefetch` batches each ahead; with 0 next() renders. Their number changes no batch.
// On CUDA the batch is rendered into pinned memory and copied on a stream beside the computation's, without
// waiting.
class BatchLoader {
 public:
  BatchLoader(std::shared_ptr<const BatchSource> source, std::int64_t first_step, std::int64_t last_step,
              int workers, int prefetch, torch::Device device);
  ~BatchLoader();  // lets each worker finish the batch it is rendering
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // The next step's batch. What a worker threw while making it is thrown here. Error(failed) after the last.
  Batch next();

 private:
  struct Made {
    Batch batch;
    std::exception_ptr error;
  };
  void work();
  Batch take();
  Batch to_device(Batch batch) const;

  const std::shared_ptr<const BatchSource> source_;
  const std::int64_t last_step_;
  const std::int64_t ahead_;  // batches rendered and not yet handed out, at most
  const torch::Device device_;
  std::optional<c10::Stream> copy_stream_;  // of a device that has streams
  HostBuffers buffers_;

  std::mutex mutex_;
  std::condition_variable room_, ready_;
  std::map<std::int64_t, Made> made_;
  std::int64_t to_make_, to_hand_out_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace smlp
