#include "smlp/batches/batch.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <utility>

#include "smlp/batches/device_renderer.hpp"
#include "smlp/core/error.hpp"
#include "smlp/device/parallel.hpp"

namespace smlp {
namespace {

constexpr std::int64_t view_ints = sizeof(ImageView) / sizeof(int);

}  // namespace

std::int64_t Batch::small_size(std::int64_t images, bool mixed, std::int64_t boxes) {
  static_assert(view_ints % 2 == 0);
  return images + (mixed ? images + 1 : 0) + boxes * view_ints / 2;
}

void Batch::lay_out(torch::Tensor memory, std::int64_t images, bool mixed, std::int64_t boxes) {
  std::int64_t used = 0;
  const auto part = [&](std::int64_t count) {
    return memory.narrow(0, std::exchange(used, used + count), count);
  };
  labels = part(images);
  if (mixed) {
    partners = part(images);
    lambda = part(1).view(torch::kFloat32)[0];
  }
  if (boxes > 0) views.boxes = part(boxes * view_ints / 2).view(torch::kInt32).view({boxes, view_ints});
  small = std::move(memory);
}

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

void HostBuffers::fill(std::int64_t count,
                       const std::function<void(std::int64_t first, std::int64_t end)>& fill) const {
  if (!parallel_) return fill(0, count);
  // Several for each thread, so that none waits long for another; not so small that beginning one counts.
  const std::int64_t part = std::clamp<std::int64_t>(count / (4 * at::get_num_threads()), 8, 64);
  for_each_in_parallel((count + part - 1) / part,
                       [&](std::int64_t k) { fill(k * part, std::min(count, (k + 1) * part)); });
}

std::unique_ptr<DeviceRenderer> BatchSource::renderer_on(torch::Device /*device*/,
                                                         torch::ScalarType /*type*/) const {
  return nullptr;
}

Batch BatchSource::make_views(std::int64_t /*step*/, HostBuffers& /*buffers*/) const {
  fail(ErrorKind::failed, "these batches are not rendered on a device");
}

}  // namespace smlp
