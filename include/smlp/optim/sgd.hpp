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
  bool steps_by_rate() const override { return false; }
  double width_rate(Role role, double multiplier) const override;
  std::int64_t state_values() const override { return momentum > 0 ? 1 : 0; }
};

}  // namespace smlp
