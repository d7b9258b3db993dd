#pragma once
#include <torch/types.h>

#include <utility>
#include <vector>

namespace smlp {

// Tensors that compute with other memory while it lives, and have their own again afterwards.
class LentValues {
 public:
  LentValues() = default;
  ~LentValues() {
    for (auto& [tensor, own] : lent_) tensor.set_data(own);
  }
  LentValues(LentValues&& other) noexcept : lent_(std::exchange(other.lent_, {})) {}
  LentValues(const LentValues&) = delete;
  LentValues& operator=(const LentValues&) = delete;
  LentValues& operator=(LentValues&&) = delete;

  void lend(torch::Tensor tensor, const torch::Tensor& values) {
    lent_.emplace_back(tensor, tensor.detach());
    tensor.set_data(values);
  }

 private:
  std::vector<std::pair<torch::Tensor, torch::Tensor>> lent_;  // and what they had
};

}  // namespace smlp
