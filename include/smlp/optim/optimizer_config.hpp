#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smlp/config/fields.hpp"

namespace smlp {

class Optimizer;  // optim/optimizer.hpp
struct Parameter;
enum class Role;  // nn/model.hpp

// Settings of the parameters whose name matches a pattern; what a group leaves null it takes from the
// optimiser.
struct ParameterGroupConfig {
  std::string
      match;  // tensor name with '*' for any run of characters, "blocks.*.bias"; "head": the model's head
  std::optional<double> lr, lr_scale;  // one of them at most
  std::optional<double> weight_decay;
  bool freeze = false;

  double rate(double optimizer_lr) const { return lr.value_or(lr_scale.value_or(1) * optimizer_lr); }
  void fields(FieldVisitor& v);
};

// Base of an optimiser's config: the keys every optimiser has.
class OptimizerConfig : public FieldGroup {
 public:
  double lr = 5e-5;
  double weight_decay = 0.0;
  double clip_norm = 1.0;                    // of the global gradient norm; 0: off
  std::vector<ParameterGroupConfig> groups;  // the first match wins

  virtual std::unique_ptr<Optimizer> build(std::vector<Parameter> parameters) const = 0;

  // Whether a step's size is the rate's, whatever the gradient's: of optimisers like Adam, or of signs.
  virtual bool steps_by_rate() const { return true; }

  // What a parameter's rate is multiplied with under µP, where the width is `multiplier` times the base's;
  // its decay is divided by that, so that their product stays. Here as for Adam (arXiv 2203.03466, table 8).
  virtual double width_rate(Role role, double multiplier) const;

  // Float32 values that the optimiser keeps for each one it trains.
  virtual std::int64_t state_values() const = 0;

 protected:
  void common_fields(FieldVisitor& v);
};

}  // namespace smlp
