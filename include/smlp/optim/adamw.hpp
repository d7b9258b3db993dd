#pragma once
#include <array>

#include "smlp/optim/optimizer.hpp"

namespace smlp {

// Adam with decoupled weight decay as torch.optim.AdamW. State: "exp_avg", "exp_avg_sq", "step" (one count
// that all parameters share).
class AdamWConfig : public OptimizerConfig {
 public:
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  AdamWConfig() { lr = 1e-3; }
  void fields(FieldVisitor& v) override;
  std::unique_ptr<Optimizer> build(std::vector<Parameter> parameters) const override;
  std::int64_t state_values() const override { return 2; }
};

}  // namespace smlp
