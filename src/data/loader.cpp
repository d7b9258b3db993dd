#include "smlp/data/loader.hpp"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>

#include "smlp/core/error.hpp"
#include "smlp/core/rng.hpp"

namespace smlp {
namespace {

void check_sizes(const Dataset& dataset, const std::vector<std::int64_t>& chosen, int image_size,
                 std::int64_t batch_size) {
  if (image_size < 1 || image_size > max_image_size)
    fail(ErrorKind::usage, "data.image_size is {}, expected 1 to {}", image_size, max_image_size);
  if (batch_size < 1) fail(ErrorKind::usage, "the batch size is {}, expected at least 1", batch_size);
  for (const std::int64_t each : chosen)
    if (each < 0 || each >= dataset.size())
      fail(ErrorKind::failed, "image {} was chosen of {} in {}", each, dataset.size(), dataset.description());
}

// One for all loaders of a device: its allocator keeps freed memory by stream.
c10::Stream copy_stream(torch::Device device) {
  static std::mutex mutex;
  static std::map<c10::DeviceIndex, c10::Stream> streams;
  const std::lock_guard lock(mutex);
  const auto found = streams.find(device.index());
  if (found != streams.end()) return found->second;
  const c10::impl::VirtualGuardImpl guard(device.type());
  return streams.emplace(device.index(), guard.getStreamFromGlobalPool(device)).first->second;
}

}  // namespace

torch::Tensor HostBuffers::take(torch::IntArrayRef shape, torch::ScalarType type) {
  const auto options = torch::TensorOptions().dtype(type);
  // The allocator of pinned memory keeps freed blocks itself, and knows which copies still read them.
  if (pinned_) return torch::empty(shape, options.pinned_memory(true));
  const std::lock_guard lock(mutex_);
  for (const torch::Tensor& each : buffers_)
    if (each.storage().use_count() == 1 && each.sizes() == shape && each.scalar_type() == type)
      return each.detach();
  buffers_.push_back(torch::empty(shape, options));
  return buffers_.back().detach();
}

RendererPool::RendererPool(int source_size, int output_size, ChannelStatistics normalization)
    : source_size_(source_size), output_size_(output_size), normalization_(std::move(normalization)) {
  free_.push_back(std::make_unique<Renderer>(source_size_, output_size_, normalization_));
}

RendererPool::Lease::Lease(RendererPool& pool) : pool_(pool) {
  {
    const std::lock_guard lock(pool_.mutex_);
    if (!pool_.free_.empty()) {
      renderer_ = std::move(pool_.free_.back());
      pool_.free_.pop_back();
    }
  }
  if (!renderer_)
    renderer_ = std::make_unique<Renderer>(pool_.source_size_, pool_.output_size_, pool_.normalization_);
}

RendererPool::Lease::~Lease() {
  const std::lock_guard lock(pool_.mutex_);
  pool_.free_.push_back(std::move(renderer_));
}

TrainImages::TrainImages(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen,
                         AugmentConfig augment, const ChannelStatistics& normalization, int image_size,
                         std::int64_t batch_size, std::uint64_t seed, int rank, int world,
                         std::int64_t window)
    : dataset_(std::move(dataset)),
      chosen_(std::move(chosen)),
      augment_(std::move(augment)),
      image_size_(image_size),
      batch_size_(batch_size),
      seed_(seed),
      order_(std::max<std::int64_t>(1, std::ssize(chosen_)), window, seed),
      rank_(rank),
      world_(world),
      renderers_(dataset_->image_size(), image_size, normalization) {
  check_sizes(*dataset_, chosen_, image_size, batch_size);
  check_augment(augment_);
  if (chosen_.empty()) fail(ErrorKind::usage, "{}: no image is left to train on", dataset_->description());
  if (world < 1 || rank < 0 || rank >= world || batch_size % world != 0)
    fail(ErrorKind::usage,
         "rank {} of {} with a batch of {}: the batch size must be divisible by the number of ranks", rank,
         world, batch_size);
}

TrainImages::Sample TrainImages::sample(std::int64_t k) const {
  const auto n = static_cast<std::int64_t>(chosen_.size());
  const auto epoch = static_cast<std::uint32_t>(k / n);
  return {chosen_[order_(epoch, k % n)], epoch};
}

void TrainImages::render(Renderer& renderer, const Sample& sample, float* out) const {
  renderer.render(dataset_->image(sample.image),
                  draw_crop(augment_, dataset_->image_size(), seed_, sample.epoch, sample.image), out);
}

// Each image is rendered into one of two scratch buffers, so that its neighbour finds it there unmixed.
void TrainImages::mix(Renderer& renderer, std::int64_t first, std::int64_t previous, double lambda,
                      Batch& batch) const {
  const auto own_weight = static_cast<float>(lambda), other_weight = static_cast<float>(1 - lambda);
  const std::size_t size = renderer.output_elements();
  std::vector<float> scratch(2 * size);
  float *own = scratch.data(), *other = own + size;
  float* out = batch.images.mutable_data_ptr<float>();
  Sample partner = sample(previous);
  render(renderer, partner, other);
  for (std::int64_t i = 0; i < batch.images.size(0); ++i, out += size) {
    const Sample each = sample(first + i);
    render(renderer, each, own);
    for (std::size_t j = 0; j < size; ++j) out[j] = own_weight * own[j] + other_weight * other[j];
    batch.labels.mutable_data_ptr<std::int64_t>()[i] = dataset_->label(each.image);
    batch.partners.mutable_data_ptr<std::int64_t>()[i] = dataset_->label(partner.image);
    std::swap(own, other);
    partner = each;
  }
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
  const std::int64_t count = batch_size_ / world_, whole = step * batch_size_, first = whole + rank_ * count;
  read_ahead(first);
  Batch batch;
  batch.images = buffers.take({count, 3, image_size_, image_size_}, torch::kFloat32);
  batch.labels = buffers.take({count}, torch::kInt64);
  RendererPool::Lease renderer(renderers_);
  if (augment_.mixup > 0) {
    const double lambda = draw_mixup(augment_, seed_, static_cast<std::uint32_t>(step));
    batch.partners = buffers.take({count}, torch::kInt64);
    batch.lambda = buffers.take({}, torch::kFloat32);
    *batch.lambda.mutable_data_ptr<float>() = static_cast<float>(lambda);
    mix(*renderer, first, rank_ == 0 ? whole + batch_size_ - 1 : first - 1, lambda, batch);
    return batch;
  }
  float* out = batch.images.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i, out += (*renderer).output_elements()) {
    const Sample each = sample(first + i);
    render(*renderer, each, out);
    batch.labels.mutable_data_ptr<std::int64_t>()[i] = dataset_->label(each.image);
  }
  return batch;
}

EvaluationImages::EvaluationImages(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> chosen,
                                   const ChannelStatistics& normalization, int image_size,
                                   std::int64_t batch_size)
    : dataset_(std::move(dataset)),
      chosen_(std::move(chosen)),
      image_size_(image_size),
      batch_size_(batch_size),
      renderers_(dataset_->image_size(), image_size, normalization) {
  check_sizes(*dataset_, chosen_, image_size, batch_size);
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
  Batch batch;
  batch.images = buffers.take({count, 3, image_size_, image_size_}, torch::kFloat32);
  batch.labels = buffers.take({count}, torch::kInt64);
  RendererPool::Lease renderer(renderers_);
  float* out = batch.images.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i, out += (*renderer).output_elements()) {
    const std::int64_t image = chosen_.empty() ? first + i : chosen_[first + i];
    (*renderer).render(dataset_->image(image), out);
    batch.labels.mutable_data_ptr<std::int64_t>()[i] = dataset_->label(image);
  }
  return batch;
}

CropImages::CropImages(std::shared_ptr<const Dataset> dataset, AugmentConfig augment, std::int64_t crops,
                       const ChannelStatistics& normalization, int image_size, std::int64_t batch_size,
                       std::uint64_t seed)
    : dataset_(std::move(dataset)),
      augment_(std::move(augment)),
      crops_(crops),
      image_size_(image_size),
      batch_size_(batch_size),
      seed_(seed),
      renderers_(dataset_->image_size(), image_size, normalization) {
  check_sizes(*dataset_, {}, image_size, batch_size);
  check_augment(augment_);
}

std::int64_t CropImages::steps() const {
  return (dataset_->size() + batch_size_ - 1) / batch_size_ * crops_;
}

Batch CropImages::make(std::int64_t step, HostBuffers& buffers) const {
  const std::int64_t first = step / crops_ * batch_size_;
  const std::int64_t count = std::min(batch_size_, dataset_->size() - first);
  const auto crop = static_cast<std::uint32_t>(step % crops_);
  Batch batch;
  batch.images = buffers.take({count, 3, image_size_, image_size_}, torch::kFloat32);
  batch.labels = buffers.take({count}, torch::kInt64);
  RendererPool::Lease renderer(renderers_);
  float* out = batch.images.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i, out += (*renderer).output_elements()) {
    const std::int64_t image = first + i;
    (*renderer).render(dataset_->image(image),
                       draw_crop(augment_, dataset_->image_size(), seed_, crop,
                                 static_cast<std::uint64_t>(image), Purpose::tta),
                       out);
    batch.labels.mutable_data_ptr<std::int64_t>()[i] = dataset_->label(image);
  }
  return batch;
}

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

Batch FeatureBatches::make(std::int64_t step, HostBuffers& buffers) const {
  const std::int64_t n = images(), width = features_->header().shape[1], first = step * batch_size_;
  const std::int64_t count = order_ ? batch_size_ : std::min(batch_size_, n - first);
  Batch batch;
  batch.images = buffers.take({count, width}, torch::kFloat32);
  batch.labels = buffers.take({count}, torch::kInt64);
  const auto* rows = reinterpret_cast<const float*>(features_->data());
  float* out = batch.images.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t k = first + i;
    const std::int64_t row = order_ ? (*order_)(static_cast<std::uint32_t>(k / n), k % n) : k;
    std::copy_n(rows + row * width, width, out + i * width);
    batch.labels.mutable_data_ptr<std::int64_t>()[i] = dataset_->label(chosen_.empty() ? row : chosen_[row]);
  }
  return batch;
}

BatchLoader::BatchLoader(std::shared_ptr<const BatchSource> source, std::int64_t first_step,
                         std::int64_t last_step, int workers, int prefetch, torch::Device device)
    : source_(std::move(source)),
      last_step_(last_step),
      ahead_(std::int64_t{1} * std::max(workers, 0) * std::max(prefetch, 1)),
      device_(device),
      buffers_(device.is_cuda()),
      to_make_(first_step),
      to_hand_out_(first_step) {
  if (device.is_cuda()) copy_stream_ = copy_stream(device);
  try {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // No more threads to be had: those there are, or next() itself, do the work.
  }
}

BatchLoader::~BatchLoader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_all();
  for (std::thread& each : threads_) each.join();
}

void BatchLoader::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    room_.wait(lock, [&] { return stop_ || to_make_ >= last_step_ || to_make_ < to_hand_out_ + ahead_; });
    if (stop_ || to_make_ >= last_step_) return;
    const std::int64_t step = to_make_++;
    lock.unlock();
    Made made;
    try {
      made.batch = source_->make(step, buffers_);
    } catch (...) {
      made.error = std::current_exception();
    }
    lock.lock();
    made_.emplace(step, std::move(made));
    ready_.notify_one();
  }
}

Batch BatchLoader::take() {
  if (threads_.empty()) return source_->make(to_hand_out_++, buffers_);
  Made made;
  {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return made_.contains(to_hand_out_); });
    made = std::move(made_.extract(to_hand_out_++).mapped());
  }
  room_.notify_one();
  if (made.error) std::rethrow_exception(made.error);
  return std::move(made.batch);
}

Batch BatchLoader::next() {
  if (to_hand_out_ >= last_step_)
    fail(ErrorKind::failed, "batch {} was asked for; the last is {}", to_hand_out_, last_step_ - 1);
  const auto start = std::chrono::steady_clock::now();
  Batch batch = to_device(take());
  batch.data_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return batch;
}

Batch BatchLoader::to_device(Batch batch) const {
  if (device_.is_cpu()) return batch;
  // On a stream of its own the copy runs while the device still works on the steps queued before it.
  const c10::impl::VirtualGuardImpl device(device_.type());
  const c10::Stream compute = device.getStream(device_);
  const c10::StreamGuard copying(*copy_stream_);
  for (torch::Tensor* each : {&batch.images, &batch.labels, &batch.partners, &batch.lambda}) {
    if (!each->defined()) continue;
    *each = each->to(device_, /*non_blocking=*/true);
    device.recordDataPtrOnStream(each->storage().data_ptr(), compute);  // keeps its memory until used
  }
  c10::Event copied(device_.type());
  copied.record(*copy_stream_);
  copied.block(compute);
  return batch;
}

}  // namespace smlp
