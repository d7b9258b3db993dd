#pragma once
#include <torch/nn/module.h>

#include <vector>

namespace smlp {

// bfloat16 copies of a module's parameters, which take their place in a forward and backward pass: every
// activation is then bfloat16, each weight is converted once a step (frozen ones once), and gradients come as
// bfloat16. The float32 parameters stay what is trained and saved. Norms keep theirs in float32 where their
// operations mix types: batch norm, and on a CPU layer norm, whose statistics would otherwise be bfloat16.
class Bf16Weights {
 public:
  explicit Bf16Weights(const torch::nn::Module& module);

  // Converts the parameters as they are now; the module computes with the copies while it lives. Frozen ones
  // are taken as they are when the first is made.
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
  struct Weights {
    std::vector<torch::Tensor> parameters, masters, copies;  // masters: the parameters' own float32 memory
  };
  static void use(const Weights& weights, const std::vector<torch::Tensor>& data);

  Weights trained_, frozen_;
  bool frozen_are_converted_ = false;
};

}  // namespace smlp
