#pragma once
#include "smlp/optim/optimizer.hpp"

namespace smlp {

// Stochastic gradient descent as torch.optim.SGD: the decay is added to the gradient, v = momentum·v + g, p
// −= lr·v. State: "momentum_buffer" (none when momentum is 0).
class SgdConfig : public OptimizerConfig {
 public:
  double momentum = 0.9;
  bool nesterov = false;
  SgdConfig() { lr = 0.01; }
  void fields(FieldVisitor& v) override;
  std::unique_ptr<Optimizer> build(std::vector<Parameter> parameters) const override;
};

}  // namespace smlp
