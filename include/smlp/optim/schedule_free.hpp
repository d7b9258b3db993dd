#pragma once
#include <array>

#include "smlp/optim/optimizer.hpp"

namespace smlp {

// AdamW without a schedule (arXiv 2405.15682; equals AdamWScheduleFree of the package schedulefree): what is
// evaluated and saved is an average x of the way that z takes, and gradients are taken between the two, at
// (1 − β₁) z + β₁ x. The parameters are always x. State: "z", "exp_avg_sq", and what all parameters share:
// "step", "lr_max" (the largest factor of the schedule yet), "weight_sum". A warm-up is of use, a decay of
// the rate is not.
class ScheduleFreeConfig : public OptimizerConfig {
 public:
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  ScheduleFreeConfig() { lr = 2.5e-3; }
  void fields(FieldVisitor& v) override;
  std::unique_ptr<Optimizer> build(std::vector<Parameter> parameters) const override;
  std::int64_t state_values() const override { return 2; }
};

}  // namespace smlp
