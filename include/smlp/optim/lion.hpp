#pragma once
#include <array>

#include "smlp/device/cuda_kernel.hpp"
#include "smlp/optim/flat_range.hpp"
#include "smlp/optim/optimizer.hpp"

namespace smlp {

class LionConfig : public OptimizerConfig {
 public:
  std::array<double, 2> betas = {0.9, 0.99};
  void fields(FieldVisitor& v) override;
  std::unique_ptr<Optimizer> build(std::vector<Parameter> parameters) const override;
  std::int64_t state_values() const override { return 1; }
};

// LION (kernels/lion.hpp) on float32 parameters. State: "exp_avg". On a CPU and with Kernels::fused on a CUDA
// device one pass over all tensors; otherwise tensor operations. None of them synchronises.
class Lion : public Optimizer {
 public:
  enum class Path { one_pass, kernel, tensor_operations };  // one_pass: CPU only; kernel: CUDA only

  Lion(std::vector<Parameter> parameters, std::array<double, 2> betas, Path path);
  // The fastest way for these parameters.
  static Path path_for(const std::vector<Parameter>& parameters);
  bool reads_bf16() const override { return path_ != Path::tensor_operations; }
  bool write_copies(std::vector<torch::Tensor> copies) override;
  void step(const StepInputs& inputs) override;
  OptimizerState state() const override;

 private:
  void one_pass(const StepInputs& inputs);
  void kernel(const StepInputs& inputs);
  void tensor_operations(const StepInputs& inputs, const std::vector<torch::Tensor>& gradients);
  unsigned short* copy_of(std::size_t i) const;

  std::array<double, 2> betas_;
  Path path_;
  CudaKernel kernel_{"lion", Contraction::off};
  std::vector<torch::Tensor> values_, averages_, copies_;
  FlatRange range_;
};

}  // namespace smlp
