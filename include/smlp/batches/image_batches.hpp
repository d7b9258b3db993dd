#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "smlp/batches/batch.hpp"
#include "smlp/data/augment.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/data/renderer.hpp"
#include "smlp/data/sample_order.hpp"

namespace smlp {

// Renderers for as many threads as ask at once.
class RendererPool {
 public:
  RendererPool(int source_size, int output_size, ChannelStatistics normalization,
               std::optional<std::int64_t> permute_pixels);

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
  std::unique_ptr<Renderer> make() const;

  const int source_size_, output_size_;
  const ChannelStatistics normalization_;
  const std::optional<std::int64_t> permute_pixels_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Renderer>> free_;
};

// How images become batches.
struct RenderOptions {
  ChannelStatistics normalization;
  int image_size = 64;                           // pixels a side of what the model sees
  std::int64_t batch_size = 512;                 // over all ranks
  std::optional<std::int64_t> permute_pixels{};  // see Renderer
  bool resident = false;  // a device that renders them keeps the whole set, of less than 2^31 images
};

// A source of crops of a data set's images, rendered on the host or on a device.
class ImageBatches : public BatchSource {
 public:
  Batch make(std::int64_t step, HostBuffers& buffers) const final;
  Batch make_views(std::int64_t step, HostBuffers& buffers) const final;
  std::unique_ptr<DeviceRenderer> renderer_on(torch::Device device, torch::ScalarType type) const final;

 protected:
  struct View {
    std::int64_t image;  // of the data set
    CropBox box;
  };

  // Error(usage) when a size is out of its range.
  ImageBatches(std::shared_ptr<const Dataset> dataset, const RenderOptions& rendering);
  const Dataset& dataset() const { return *dataset_; }
  std::int64_t batch_size() const { return options_.batch_size; }
  bool resident() const { return options_.resident; }

  // How many images the batch of a step has; called before view().
  virtual std::int64_t begin(std::int64_t step) const = 0;
  // Of image i, which is the partner of image i + 1 in MixUp; −1: of the partner of the first.
  virtual View view(std::int64_t step, std::int64_t i) const = 0;
  // MixUp's weight of an image; nullopt: nothing is mixed.
  virtual std::optional<double> mixup(std::int64_t /*step*/) const { return std::nullopt; }

 private:
  class Mixer;
  std::int64_t render(Renderer& renderer, const View& view, float* out) const;

  const std::shared_ptr<const Dataset> dataset_;
  const RenderOptions options_;
  mutable RendererPool renderers_;
};

// What training images go through, and in which order they come.
struct TrainImagesOptions {
  AugmentConfig augment;
  std::uint64_t seed = 0;
  std::int64_t window = 0;  // of SampleOrder, in images
  int rank = 0, world = 1;  // a batch of rank r is the r-th of `world` equal parts of the whole one
};

// The stream of training images. Sample k of a run is image order_{k / N}[k mod N] of the N chosen ones,
// where order_e is SampleOrder's permutation of (seed, epoch e); step s takes samples [s·B, (s+1)·B), so
// batches straddle epochs and all have B images. Crop and flip are drawn by (seed, epoch, image), MixUp's
// weight by (seed, step); an image's partner is the sample before it in the whole batch, the first one's is
// the last.
class TrainImages : public ImageBatches {
 public:
  // chosen: indices into the data set, ascending, not empty. The batch size is divisible by `world`.
  TrainImages(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen,
              const RenderOptions& rendering, TrainImagesOptions options);

  std::vector<std::int64_t> images_of(std::int64_t step) const override;

 protected:
  std::int64_t begin(std::int64_t step) const override;
  View view(std::int64_t step, std::int64_t i) const override;
  std::optional<double> mixup(std::int64_t step) const override;

 private:
  struct Sample {
    std::int64_t image;
    std::uint32_t epoch;
  };
  Sample sample(std::int64_t k) const;
  void read_ahead(std::int64_t k) const;
  std::int64_t images_of_rank() const { return batch_size() / options_.world; }

  const std::vector<std::int64_t> chosen_;
  const TrainImagesOptions options_;
  const SampleOrder order_;
  mutable std::atomic<std::int64_t> read_ahead_from_{-1};
};

// Whole images in order, resized to image_size; the last batch may be shorter.
class EvaluationImages : public ImageBatches {
 public:
  // chosen: indices into the data set; empty: all images.
  EvaluationImages(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen,
                   const RenderOptions& rendering);

  std::int64_t images() const;
  std::int64_t steps() const;  // what comes after: Error(failed)

 protected:
  std::int64_t begin(std::int64_t step) const override;
  View view(std::int64_t step, std::int64_t i) const override;

 private:
  const std::vector<std::int64_t> chosen_;
};

// Random crops of the images in order, for test-time augmentation: step s is crop s mod `crops` of the s /
// crops-th `batch_size` images, drawn by (seed, crop, image), whole images when the configuration has no
// crop.
class CropImages : public ImageBatches {
 public:
  CropImages(std::shared_ptr<const Dataset> dataset, const RenderOptions& rendering, AugmentConfig augment,
             std::int64_t crops, std::uint64_t seed);

  std::int64_t steps() const;

 protected:
  std::int64_t begin(std::int64_t step) const override;
  View view(std::int64_t step, std::int64_t i) const override;

 private:
  const AugmentConfig augment_;
  const std::int64_t crops_;
  const std::uint64_t seed_;
};

}  // namespace smlp
