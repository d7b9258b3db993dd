#pragma once
#include <array>

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

// LION (lion_math.hpp) on float32 parameters. State: "exp_avg". On a CPU one pass over all tensors; elsewhere
// tensor operations that do not synchronise.
class Lion : public Optimizer {
 public:
  enum class Path { automatic, one_pass, tensor_operations };  // one_pass: CPU only

  Lion(std::vector<Parameter> parameters, std::array<double, 2> betas, Path path = Path::automatic);
  void step(const StepInputs& inputs) override;
  OptimizerState state() const override;

 private:
  void one_pass(const StepInputs& inputs, const std::vector<torch::Tensor>& gradients);
  void tensor_operations(const StepInputs& inputs, const std::vector<torch::Tensor>& gradients);

  std::array<double, 2> betas_;
  bool one_pass_;
  std::vector<torch::Tensor> values_, averages_;
  FlatRange range_;
};

}  // namespace smlp
