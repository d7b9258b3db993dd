#pragma once
#include <torch/torch.h>

namespace smlp {

// Uninitialised host memory that a CUDA device can copy from while the host goes on: page-locked when the
// CUDA half is loaded and has a device, plain memory otherwise.
torch::Tensor pinned_empty(torch::IntArrayRef shape, torch::ScalarType type);

// `tensor` on `device`. A copy from pinned memory is only queued on the device's current stream: the source
// may be released at once (its memory is kept until the copy is done), but must not be written again. On a
// CPU: `tensor` itself.
torch::Tensor copy_to_device(const torch::Tensor& tensor, torch::Device device);

}  // namespace smlp
