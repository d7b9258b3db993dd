#include "smlp/device/transfer.hpp"

namespace smlp {

torch::Tensor pinned_empty(torch::IntArrayRef shape, torch::ScalarType type) {
  return torch::empty(shape, torch::dtype(type).pinned_memory(at::hasCUDA()));
}

torch::Tensor copy_to_device(const torch::Tensor& tensor, torch::Device device) {
  return tensor.to(device, /*non_blocking=*/true);
}

}  // namespace smlp
