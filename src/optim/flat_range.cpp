#include "smlp/optim/flat_range.hpp"

namespace smlp {

FlatRange::FlatRange(const std::vector<torch::Tensor>& tensors) {
  std::int64_t end = 0;
  for (const torch::Tensor& tensor : tensors) ends_.push_back(end += tensor.numel());
}

}  // namespace smlp
