#include "smlp/batches/loader.hpp"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

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

BatchLoader::BatchLoader(std::shared_ptr<const BatchSource> source, std::int64_t first_step,
                         std::int64_t last_step, int workers, int prefetch, torch::Device device,
                         torch::ScalarType image_type)
    : source_(std::move(source)),
      last_step_(last_step),
      ahead_(std::int64_t{1} * std::max(workers, 0) * std::max(prefetch, 1)),
      device_(device),
      renderer_(source_->renderer_on(device, image_type)),
      buffers_(device.is_cuda()),
      to_make_(first_step),
      to_hand_out_(first_step) {
  if (!device.is_cpu()) copy_stream_ = copy_stream(device);
  try {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // No more threads to be had: those there are, or next() itself, do the work.
  }
  if (threads_.empty()) buffers_.fill_in_parallel();
}

BatchLoader::~BatchLoader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_all();
  for (std::thread& each : threads_) each.join();
}

Batch BatchLoader::make(std::int64_t step) {
  return renderer_ ? source_->make_views(step, buffers_) : source_->make(step, buffers_);
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
      made.batch = make(step);
    } catch (...) {
      made.error = std::current_exception();
    }
    lock.lock();
    made_.emplace(step, std::move(made));
    ready_.notify_one();
  }
}

Batch BatchLoader::take() {
  if (threads_.empty()) return make(to_hand_out_++);
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
  wait_for_device();
  const auto start = std::chrono::steady_clock::now();
  Batch batch = to_device(take());
  batch.data_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return batch;
}

// Until it has begun with the batch of batches_in_flight before the next.
void BatchLoader::wait_for_device() {
  if (!copy_stream_) return;
  c10::Event reached(device_.type());
  reached.record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
  handed_out_.push_back(std::move(reached));
  if (std::ssize(handed_out_) <= batches_in_flight) return;
  handed_out_.front().synchronize();
  handed_out_.pop_front();
}

Batch BatchLoader::to_device(Batch batch) const {
  if (device_.is_cpu()) return batch;
  // On a stream of its own the copy runs while the device still works on the steps queued before it.
  const c10::impl::VirtualGuardImpl device(device_.type());
  const c10::Stream compute = device.getStream(device_);
  const c10::StreamGuard copying(*copy_stream_);
  const auto copy = [&](torch::Tensor& tensor) { tensor = tensor.to(device_, /*non_blocking=*/true); };
  const bool rendered = batch.views.defined();
  copy(batch.small);
  batch.lay_out(batch.small, batch.labels.size(0), batch.partners.defined(),
                rendered ? batch.views.boxes.size(0) : 0);
  if (rendered) {
    if (batch.views.pixels.defined()) copy(batch.views.pixels);
    batch.images = (*renderer_)(batch.views);
    batch.views = {};
  } else {
    copy(batch.images);
  }
  for (const torch::Tensor& each : {batch.images, batch.small})
    device.recordDataPtrOnStream(each.storage().data_ptr(), compute);  // keeps its memory until used
  c10::Event copied(device_.type());
  copied.record(*copy_stream_);
  copied.block(compute);
  return batch;
}

}  // namespace smlp
