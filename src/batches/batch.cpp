#include "smlp/batches/batch.hpp"

#include <torch/types.h>

namespace smlp {

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

}  // namespace smlp
