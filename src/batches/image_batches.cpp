#include "smlp/batches/image_batches.hpp"

#include <algorithm>
#include <utility>

#include "smlp/batches/device_renderer.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/rng.hpp"

namespace smlp {
namespace {

void check_chosen(const Dataset& dataset, const std::vector<std::int64_t>& chosen) {
  for (const std::int64_t each : chosen)
    if (each < 0 || each >= dataset.size())
      fail(ErrorKind::failed, "image {} was chosen of {} in {}", each, dataset.size(), dataset.description());
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

ImageBatches::ImageBatches(std::shared_ptr<const Dataset> dataset, const RenderOptions& rendering)
    : dataset_(std::move(dataset)),
      options_(rendering),
      renderers_(dataset_->image_size(), rendering.image_size, rendering.normalization,
                 rendering.permute_pixels) {
  if (rendering.image_size < 1 || rendering.image_size > max_image_size)
    fail(ErrorKind::usage, "data.image_size is {}, expected 1 to {}", rendering.image_size, max_image_size);
  if (rendering.batch_size < 1)
    fail(ErrorKind::usage, "the batch size is {}, expected at least 1", rendering.batch_size);
}

std::int64_t ImageBatches::render(Renderer& renderer, const View& view, float* out) const {
  renderer.render(dataset_->image(view.image), view.box, out);
  return dataset_->label(view.image);
}

// Renders the images of a part of a batch one after the other, each into one of two scratch buffers, so that
// its neighbour finds it there unmixed.
class ImageBatches::Mixer {
 public:
  Mixer(const ImageBatches& images, std::int64_t step, std::int64_t first, const Batch& batch, double lambda)
      : images_(images),
        renderer_(images.renderers_),
        step_(step),
        own_weight_(static_cast<float>(lambda)),
        other_weight_(static_cast<float>(1 - lambda)),
        partners_(batch.partners.mutable_data_ptr<std::int64_t>()),
        own_((*renderer_).output_elements()),
        other_(own_.size()) {
    other_label_ = images_.render(*renderer_, images_.view(step, first - 1), other_.data());
  }

  std::int64_t operator()(std::int64_t i, float* out) {
    const std::int64_t label = images_.render(*renderer_, images_.view(step_, i), own_.data());
    for (std::size_t j = 0; j < own_.size(); ++j) out[j] = own_weight_ * own_[j] + other_weight_ * other_[j];
    partners_[i] = std::exchange(other_label_, label);
    std::swap(own_, other_);
    return label;
  }

 private:
  const ImageBatches& images_;
  RendererPool::Lease renderer_;
  const std::int64_t step_;
  const float own_weight_, other_weight_;
  std::int64_t* const partners_;
  std::vector<float> own_, other_;
  std::int64_t other_label_;
};

Batch ImageBatches::make(std::int64_t step, HostBuffers& buffers) const {
  const std::int64_t images = begin(step), size = options_.image_size;
  const std::optional<double> lambda = mixup(step);
  if (!lambda)
    return make_batch(buffers, {images, 3, size, size}, [&](const Batch&, std::int64_t /*first*/) {
      return [&, renderer = RendererPool::Lease(renderers_)](std::int64_t i, float* out) mutable {
        return render(*renderer, view(step, i), out);
      };
    });
  Batch batch = make_batch(
      buffers, {images, 3, size, size},
      [&](const Batch& made, std::int64_t first) { return Mixer(*this, step, first, made, *lambda); },
      /*mixed=*/true);
  *batch.lambda.mutable_data_ptr<float>() = static_cast<float>(*lambda);
  return batch;
}

Batch ImageBatches::make_views(std::int64_t step, HostBuffers& buffers) const {
  const std::int64_t images = begin(step), side = dataset_->image_size();
  const std::optional<double> lambda = mixup(step);
  const std::int64_t before = lambda ? 1 : 0, rows = images + before, bytes = side * side * 3;
  Batch batch;
  batch.lay_out(buffers.take({Batch::small_size(images, lambda.has_value(), rows)}, torch::kInt64), images,
                lambda.has_value(), rows);
  if (lambda) {
    *batch.lambda.mutable_data_ptr<float>() = static_cast<float>(*lambda);
    batch.views.mixed = true;
    batch.views.own_weight = static_cast<float>(*lambda);
    batch.views.other_weight = static_cast<float>(1 - *lambda);
  }
  std::uint8_t* pixels = nullptr;
  if (!options_.resident) {
    batch.views.pixels = buffers.take({rows, side, side, 3}, torch::kUInt8);
    pixels = batch.views.pixels.mutable_data_ptr<std::uint8_t>();
  }
  auto* const boxes = reinterpret_cast<ImageView*>(batch.views.boxes.mutable_data_ptr<int>());
  auto* const labels = batch.labels.mutable_data_ptr<std::int64_t>();
  auto* const partners = lambda ? batch.partners.mutable_data_ptr<std::int64_t>() : nullptr;
  buffers.fill(rows, [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t row = first; row < end; ++row) {
      const auto [image, box] = view(step, row - before);
      if (pixels != nullptr) std::copy_n(dataset_->image(image), bytes, pixels + row * bytes);
      boxes[row] = {static_cast<int>(pixels != nullptr ? row : image),
                    box.x,
                    box.y,
                    box.width,
                    box.height,
                    box.flip ? 1 : 0};
      if (row >= before) labels[row - before] = dataset_->label(image);
      if (partners != nullptr && row < images) partners[row] = dataset_->label(image);
    }
  });
  return batch;
}

std::unique_ptr<DeviceRenderer> ImageBatches::renderer_on(torch::Device device,
                                                          torch::ScalarType type) const {
  if (!renders_on(device, dataset_->image_size())) return nullptr;
  return std::make_unique<DeviceRenderer>(
      RenderTables(dataset_->image_size(), options_.image_size, options_.normalization,
                   options_.permute_pixels, device),
      type, options_.resident ? packed_on(device, *dataset_) : torch::Tensor());
}

TrainImages::TrainImages(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen,
                         const RenderOptions& rendering, TrainImagesOptions options)
    : ImageBatches(std::move(dataset), rendering),
      chosen_(std::move(chosen)),
      options_(std::move(options)),
      order_(std::max<std::int64_t>(1, std::ssize(chosen_)), options_.window, options_.seed) {
  check_chosen(this->dataset(), chosen_);
  check_augment(options_.augment);
  if (chosen_.empty())
    fail(ErrorKind::usage, "{}: no image is left to train on", this->dataset().description());
  const auto [rank, world] = std::pair(options_.rank, options_.world);
  if (world < 1 || rank < 0 || rank >= world)
    fail(ErrorKind::usage, "rank {} of a world of {}: the ranks of N processes are 0 to N - 1", rank, world);
  if (batch_size() % world != 0)
    fail(ErrorKind::usage, "a batch of {} cannot be dealt to {} ranks: make its size a multiple of that",
         batch_size(), world);
}

TrainImages::Sample TrainImages::sample(std::int64_t k) const {
  const auto n = static_cast<std::int64_t>(chosen_.size());
  const auto epoch = static_cast<std::uint32_t>(k / n);
  return {chosen_[order_(epoch, k % n)], epoch};
}

// A moving window's next part is read from the disk while the present one is used; not of a set that a device
// has.
void TrainImages::read_ahead(std::int64_t k) const {
  if (!order_.windowed() || resident()) return;
  const auto n = static_cast<std::int64_t>(chosen_.size());
  const SampleOrder::Run run = order_.next_run(static_cast<std::uint32_t>(k / n), k % n);
  if (run.count == 0 || read_ahead_from_.exchange(run.first) == run.first) return;
  const std::int64_t before_end = std::min(run.count, n - run.first);
  dataset().will_need(chosen_[run.first], chosen_[run.first + before_end - 1] + 1);
  if (before_end < run.count) dataset().will_need(chosen_[0], chosen_[run.count - before_end - 1] + 1);
}

std::int64_t TrainImages::begin(std::int64_t step) const {
  read_ahead(step * batch_size() + options_.rank * images_of_rank());
  return images_of_rank();
}

ImageBatches::View TrainImages::view(std::int64_t step, std::int64_t i) const {
  const bool of_the_end = i < 0 && options_.rank == 0;
  const Sample each = sample(of_the_end ? (step + 1) * batch_size() - 1
                                        : step * batch_size() + options_.rank * images_of_rank() + i);
  return {each.image,
          draw_crop(options_.augment, dataset().image_size(), options_.seed, each.epoch, each.image)};
}

std::optional<double> TrainImages::mixup(std::int64_t step) const {
  if (options_.augment.mixup <= 0) return std::nullopt;
  return draw_mixup(options_.augment, options_.seed, static_cast<std::uint32_t>(step));
}

std::vector<std::int64_t> TrainImages::images_of(std::int64_t step) const {
  std::vector<std::int64_t> images;
  for (std::int64_t i = 0; i < batch_size(); ++i) images.push_back(sample(step * batch_size() + i).image);
  return images;
}

EvaluationImages::EvaluationImages(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen,
                                   const RenderOptions& rendering)
    : ImageBatches(std::move(dataset), rendering), chosen_(std::move(chosen)) {
  check_chosen(this->dataset(), chosen_);
}

std::int64_t EvaluationImages::images() const {
  return chosen_.empty() ? dataset().size() : static_cast<std::int64_t>(chosen_.size());
}

std::int64_t EvaluationImages::steps() const {
  return (images() + batch_size() - 1) / batch_size();
}

std::int64_t EvaluationImages::begin(std::int64_t step) const {
  if (step < 0 || step >= steps())
    fail(ErrorKind::failed, "evaluation batch {} was asked for of {}", step, steps());
  return std::min(batch_size(), images() - step * batch_size());
}

ImageBatches::View EvaluationImages::view(std::int64_t step, std::int64_t i) const {
  const std::int64_t place = step * batch_size() + i;
  const int side = dataset().image_size();
  return {chosen_.empty() ? place : chosen_[place], {0, 0, side, side, false}};
}

CropImages::CropImages(std::shared_ptr<const Dataset> dataset, const RenderOptions& rendering,
                       AugmentConfig augment, std::int64_t crops, std::uint64_t seed)
    : ImageBatches(std::move(dataset), rendering), augment_(std::move(augment)), crops_(crops), seed_(seed) {
  check_augment(augment_);
}

std::int64_t CropImages::steps() const {
  return (dataset().size() + batch_size() - 1) / batch_size() * crops_;
}

std::int64_t CropImages::begin(std::int64_t step) const {
  return std::min(batch_size(), dataset().size() - step / crops_ * batch_size());
}

ImageBatches::View CropImages::view(std::int64_t step, std::int64_t i) const {
  const std::int64_t image = step / crops_ * batch_size() + i;
  return {image, draw_crop(augment_, dataset().image_size(), seed_, static_cast<std::uint32_t>(step % crops_),
                           static_cast<std::uint64_t>(image), Purpose::tta)};
}

}  // namespace smlp
