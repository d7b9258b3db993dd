#pragma once
// Lists of tensors that optimisers work on.
#include <initializer_list>

#include "smlp/optim/optimizer.hpp"

namespace smlp {

// The parameters' tensors; one that is not float32: Error(failed).
std::vector<torch::Tensor> values(const std::vector<Parameter>& parameters);

std::vector<torch::Tensor> zeros_like(const std::vector<torch::Tensor>& tensors);

// The gradients in the parameters' type and contiguous; undefined where there is none.
std::vector<torch::Tensor> gradients(const std::vector<Parameter>& parameters);

// Parallel lists, as at::_foreach_* and at::_fused_* take them.
class TensorLists {
 public:
  explicit TensorLists(std::size_t count) : lists_(count) {}
  void add(std::initializer_list<torch::Tensor> row) {
    auto list = lists_.begin();
    for (const torch::Tensor& tensor : row) (list++)->push_back(tensor);
  }
  std::vector<torch::Tensor>& operator[](std::size_t i) { return lists_[i]; }

 private:
  std::vector<std::vector<torch::Tensor>> lists_;
};

// Parameters that share learning rate and weight decay, which at::_fused_* take once a call: their indices.
struct RateGroup {
  double lr, weight_decay;
  std::vector<std::size_t> members;
};
std::vector<RateGroup> rate_groups(const std::vector<Parameter>& parameters);

// Calls update(lr × the schedule's factor): as a number on the CPU, where at::_fused_* would otherwise copy
// the tensor out, and as a tensor elsewhere.
template <class Update>
void with_learning_rate(double lr, const StepInputs& inputs, const Update& update) {
  if (inputs.lr_factor.is_cpu())
    update(lr * static_cast<double>(*inputs.lr_factor.const_data_ptr<float>()));
  else
    update(inputs.lr_factor * lr);
}

}  // namespace smlp
