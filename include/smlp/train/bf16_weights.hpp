#pragma once
#include <torch/nn/module.h>

#include <vector>

namespace smlp {

// bfloat16 copies of a module's parameters, which take their place in a forward and backward pass: every
// activation is then bfloat16, each weight is converted once a step, and gradients come as bfloat16. The
// float32 parameters stay what is trained and saved. Layers with running statistics (batch norm) keep
// theirs in float32, which their operations mix.
class Bf16Weights {
 public:
  explicit Bf16Weights(const torch::nn::Module& module);

  // Converts the parameters as they are now; the module computes with the copies while it lives.
  class Scope {
   public:
    explicit Scope(Bf16Weights& weights);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Bf16Weights& weights_;
  };

 private:
  void use(const std::vector<torch::Tensor>& data);

  std::vector<torch::Tensor> parameters_, masters_, copies_;  // masters_: the parameters' own float32 memory
};

}  // namespace smlp
