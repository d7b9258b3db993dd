#pragma once
#include <array>

#include "smlp/optim/optimizer.hpp"

namespace smlp {

// Muon for the matrices between a model's input layer and head: momentum whose singular values are brought
// near one by five Newton-Schulz steps in bfloat16. The operations of torch.optim.Muon 2.11 in their order.
// State: "momentum_buffer". All other parameters are AdamW's (Parameter::role), with the same rate unless
// optim.groups says another: adjust_lr_fn match_rms_adamw makes one rate fit both.
class MuonConfig : public OptimizerConfig {
 public:
  // A matrix's rate is the given one times √max(1, rows / columns), or times 0.2 √max(rows, columns).
  enum class Adjust { original, match_rms_adamw };
  double momentum = 0.95;
  bool nesterov = true;
  Adjust adjust_lr_fn = Adjust::match_rms_adamw;
  std::array<double, 2> betas = {0.9, 0.999};  // AdamW's
  double eps = 1e-8;
  MuonConfig() { lr = 1e-3; }
  void fields(FieldVisitor& v) override;
  std::unique_ptr<Optimizer> build(std::vector<Parameter> parameters) const override;
  double width_rate(Role role, double multiplier) const override;
  std::int64_t state_values() const override { return 2; }  // one of a matrix
};

}  // namespace smlp
