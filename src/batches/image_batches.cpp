#include "smlp/batches/image_batches.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/core/rng.hpp"

namespace smlp {
namespace {

void check_sizes(const Dataset& dataset, const std::vector<std::int64_t>& chosen,
                 const RenderOptions& rendering) {
  if (rendering.image_size < 1 || rendering.image_size > max_image_size)
    fail(ErrorKind::usage, "data.image_size is {}, expected 1 to {}", rendering.image_size, max_image_size);
  if (rendering.batch_size < 1)
    fail(ErrorKind::usage, "the batch size is {}, expected at least 1", rendering.batch_size);
  for (const std::int64_t each : chosen)
    if (each < 0 || each >= dataset.size())
      fail(ErrorKind::failed, "image {} was chosen of {} in {}", each, dataset.size(), dataset.description());
}

// render(renderer, i, out) writes image i of `count` and returns its label.
template <class Render>
Batch render_batch(RendererPool& renderers, HostBuffers& buffers, std::int64_t count, int image_size,
                   const Render& render) {
  return make_batch(buffers, {count, 3, image_size, image_size}, [&](std::int64_t /*first*/) {
    return [&render, renderer = RendererPool::Lease(renderers)](std::int64_t i, float* out) mutable {
      return render(*renderer, i, out);
    };
  });
}

}  // namespace

RendererPool::RendererPool(int source_size, int output_size, ChannelStatistics normalization,
                           std::optional<std::int64_t> permute_pixels)
    : source_size_(source_size),
      output_size_(output_size),
      normalization_(std::move(normalization)),
      permute_pixels_(permute_pixels) {
  free_.push_back(make());
}

std::unique_ptr<Renderer> RendererPool::make() const {
  return std::make_unique<Renderer>(source_size_, output_size_, normalization_, permute_pixels_);
}

RendererPool::Lease::Lease(RendererPool& pool) : pool_(pool) {
  {
    const std::lock_guard lock(pool_.mutex_);
    if (!pool_.free_.empty()) {
      renderer_ = std::move(pool_.free_.back());
      pool_.free_.pop_back();
    }
  }
  if (!renderer_) renderer_ = pool_.make();
}

RendererPool::Lease::~Lease() {
  const std::lock_guard lock(pool_.mutex_);
  pool_.free_.push_back(std::move(renderer_));
}

TrainImages::TrainImages(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen,
                         const RenderOptions& rendering, TrainImagesOptions options)
    : dataset_(std::move(dataset)),
      chosen_(std::move(chosen)),
      image_size_(rendering.image_size),
      batch_size_(rendering.batch_size),
      options_(std::move(options)),
      order_(std::max<std::int64_t>(1, std::ssize(chosen_)), options_.window, options_.seed),
      renderers_(dataset_->image_size(), image_size_, rendering.normalization, rendering.permute_pixels) {
  check_sizes(*dataset_, chosen_, rendering);
  check_augment(options_.augment);
  if (chosen_.empty()) fail(ErrorKind::usage, "{}: no image is left to train on", dataset_->description());
  const auto [rank, world] = std::pair(options_.rank, options_.world);
  if (world < 1 || rank < 0 || rank >= world || batch_size_ % world != 0)
    fail(ErrorKind::usage,
         "rank {} of {} with a batch of {}: the batch size must be divisible by the number of ranks", rank,
         world, batch_size_);
}

TrainImages::Sample TrainImages::sample(std::int64_t k) const {
  const auto n = static_cast<std::int64_t>(chosen_.size());
  const auto epoch = static_cast<std::uint32_t>(k / n);
  return {chosen_[order_(epoch, k % n)], epoch};
}

void TrainImages::render(Renderer& renderer, const Sample& sample, float* out) const {
  renderer.render(
      dataset_->image(sample.image),
      draw_crop(options_.augment, dataset_->image_size(), options_.seed, sample.epoch, sample.image), out);
}

// Renders the images of a part of a batch one after the other, each into one of two scratch buffers, so that
// its neighbour finds it there unmixed.
class TrainImages::Mixer {
 public:
  // `partners`: their labels, of the whole batch, whose first image is sample `first`.
  Mixer(const TrainImages& images, std::int64_t first, const Sample& partner, double lambda,
        std::int64_t* partners)
      : images_(images),
        renderer_(images.renderers_),
        first_(first),
        partner_(partner),
        own_weight_(static_cast<float>(lambda)),
        other_weight_(static_cast<float>(1 - lambda)),
        partners_(partners),
        own_((*renderer_).output_elements()),
        other_(own_.size()) {
    images_.render(*renderer_, partner_, other_.data());
  }

  std::int64_t operator()(std::int64_t i, float* out) {
    const Sample each = images_.sample(first_ + i);
    images_.render(*renderer_, each, own_.data());
    for (std::size_t j = 0; j < own_.size(); ++j) out[j] = own_weight_ * own_[j] + other_weight_ * other_[j];
    partners_[i] = images_.dataset_->label(partner_.image);
    std::swap(own_, other_);
    partner_ = each;
    return images_.dataset_->label(each.image);
  }

 private:
  const TrainImages& images_;
  RendererPool::Lease renderer_;
  const std::int64_t first_;
  Sample partner_;
  const float own_weight_, other_weight_;
  std::int64_t* const partners_;
  std::vector<float> own_, other_;
};

Batch TrainImages::mixed(std::int64_t step, std::int64_t first, std::int64_t count,
                         HostBuffers& buffers) const {
  const double lambda = draw_mixup(options_.augment, options_.seed, static_cast<std::uint32_t>(step));
  const torch::Tensor partners = buffers.take({count}, torch::kInt64);
  auto* const labels = partners.mutable_data_ptr<std::int64_t>();
  Batch batch = make_batch(buffers, {count, 3, image_size_, image_size_}, [&](std::int64_t i) {
    const bool of_the_end = i == 0 && options_.rank == 0;
    return Mixer(*this, first, sample(of_the_end ? (step + 1) * batch_size_ - 1 : first + i - 1), lambda,
                 labels);
  });
  batch.partners = partners;
  batch.lambda = buffers.take({}, torch::kFloat32);
  *batch.lambda.mutable_data_ptr<float>() = static_cast<float>(lambda);
  return batch;
}

// A moving window's next part is read from the disk while the present one is used.
void TrainImages::read_ahead(std::int64_t k) const {
  if (!order_.windowed()) return;
  const auto n = static_cast<std::int64_t>(chosen_.size());
  const SampleOrder::Run run = order_.next_run(static_cast<std::uint32_t>(k / n), k % n);
  if (run.count == 0 || read_ahead_from_.exchange(run.first) == run.first) return;
  const std::int64_t before_end = std::min(run.count, n - run.first);
  dataset_->will_need(chosen_[run.first], chosen_[run.first + before_end - 1] + 1);
  if (before_end < run.count) dataset_->will_need(chosen_[0], chosen_[run.count - before_end - 1] + 1);
}

Batch TrainImages::make(std::int64_t step, HostBuffers& buffers) const {
  const std::int64_t count = batch_size_ / options_.world, first = step * batch_size_ + options_.rank * count;
  read_ahead(first);
  if (options_.augment.mixup > 0) return mixed(step, first, count, buffers);
  return render_batch(renderers_, buffers, count, image_size_,
                      [&](Renderer& renderer, std::int64_t i, float* out) {
                        const Sample each = sample(first + i);
                        render(renderer, each, out);
                        return dataset_->label(each.image);
                      });
}

std::vector<std::int64_t> TrainImages::images_of(std::int64_t step) const {
  std::vector<std::int64_t> images;
  for (std::int64_t i = 0; i < batch_size_; ++i) images.push_back(sample(step * batch_size_ + i).image);
  return images;
}

EvaluationImages::EvaluationImages(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen,
                                   const RenderOptions& rendering)
    : dataset_(std::move(dataset)),
      chosen_(std::move(chosen)),
      image_size_(rendering.image_size),
      batch_size_(rendering.batch_size),
      renderers_(dataset_->image_size(), image_size_, rendering.normalization, rendering.permute_pixels) {
  check_sizes(*dataset_, chosen_, rendering);
}

std::int64_t EvaluationImages::images() const {
  return chosen_.empty() ? dataset_->size() : static_cast<std::int64_t>(chosen_.size());
}

std::int64_t EvaluationImages::steps() const {
  return (images() + batch_size_ - 1) / batch_size_;
}

Batch EvaluationImages::make(std::int64_t step, HostBuffers& buffers) const {
  const std::int64_t first = step * batch_size_, count = std::min(batch_size_, images() - first);
  if (step < 0 || count < 1)
    fail(ErrorKind::failed, "evaluation batch {} was asked for of {}", step, steps());
  return render_batch(renderers_, buffers, count, image_size_,
                      [&](Renderer& renderer, std::int64_t i, float* out) {
                        const std::int64_t image = chosen_.empty() ? first + i : chosen_[first + i];
                        renderer.render(dataset_->image(image), out);
                        return dataset_->label(image);
                      });
}

CropImages::CropImages(std::shared_ptr<const Dataset> dataset, const RenderOptions& rendering,
                       AugmentConfig augment, std::int64_t crops, std::uint64_t seed)
    : dataset_(std::move(dataset)),
      augment_(std::move(augment)),
      crops_(crops),
      image_size_(rendering.image_size),
      batch_size_(rendering.batch_size),
      seed_(seed),
      renderers_(dataset_->image_size(), image_size_, rendering.normalization, rendering.permute_pixels) {
  check_sizes(*dataset_, {}, rendering);
  check_augment(augment_);
}

std::int64_t CropImages::steps() const {
  return (dataset_->size() + batch_size_ - 1) / batch_size_ * crops_;
}

Batch CropImages::make(std::int64_t step, HostBuffers& buffers) const {
  const std::int64_t first = step / crops_ * batch_size_;
  const std::int64_t count = std::min(batch_size_, dataset_->size() - first);
  const auto crop = static_cast<std::uint32_t>(step % crops_);
  return render_batch(
      renderers_, buffers, count, image_size_, [&](Renderer& renderer, std::int64_t i, float* out) {
        const auto image = static_cast<std::uint64_t>(first + i);
        const CropBox box = draw_crop(augment_, dataset_->image_size(), seed_, crop, image, Purpose::tta);
        renderer.render(dataset_->image(first + i), box, out);
        return dataset_->label(first + i);
      });
}

}  // namespace smlp
