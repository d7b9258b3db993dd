#include "smlp/optim/sgd.hpp"

#include "lists.hpp"
#include "smlp/core/error.hpp"

namespace smlp {

namespace {

class Sgd : public Optimizer {
 public:
  Sgd(std::vector<Parameter> parameters, double momentum, bool nesterov)
      : Optimizer(std::move(parameters)),
        momentum_(momentum),
        nesterov_(nesterov),
        values_(values(parameters_)),
        buffers_(momentum > 0 ? zeros_like(values_) : std::vector<torch::Tensor>{}),
        groups_(rate_groups(parameters_)) {}

  void step(const StepInputs& inputs) override;
  OptimizerState state() const override;

 private:
  double momentum_;
  bool nesterov_;
  std::vector<torch::Tensor> values_, buffers_;
  std::vector<RateGroup> groups_;
};

// The fused kernels divide the gradient by a scale and leave everything as it is where found_inf is 1.
// Buffers that start at 0 make the first step like every other.
void Sgd::step(const StepInputs& inputs) {
  torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> found = gradients(parameters_);
  const torch::Tensor scale = inputs.clip_factor.reciprocal();
  for (const RateGroup& group : groups_) {
    TensorLists lists(3);
    for (std::size_t i : group.members)
      if (found[i].defined())
        lists.add({values_[i], found[i], buffers_.empty() ? torch::Tensor() : buffers_[i]});
    if (lists[0].empty()) continue;
    if (buffers_.empty()) lists[2].clear();
    const auto update = [&](const auto& lr) {
      at::_fused_sgd_(lists[0], lists[1], lists[2], group.weight_decay, momentum_, lr, /*dampening=*/0,
                      nesterov_, /*maximize=*/false, /*is_first_step=*/false, scale, inputs.bad);
    };
    with_learning_rate(group.lr, inputs, update);
  }
}

OptimizerState Sgd::state() const {
  OptimizerState state;
  for (std::size_t i = 0; i < buffers_.size(); ++i)
    state[parameters_[i].name]["momentum_buffer"] = buffers_[i];
  return state;
}

}  // namespace

double SgdConfig::width_rate(Role role, double multiplier) const {
  if (role == Role::hidden) return 1;
  return role == Role::head ? 1 / multiplier : multiplier;
}

void SgdConfig::fields(FieldVisitor& v) {
  common_fields(v);
  v.field("momentum", momentum, "decay of the velocity", Bounds{.min = 0, .max = 1, .max_open = true});
  v.field("nesterov", nesterov, "step along the velocity after this gradient");
}

std::unique_ptr<Optimizer> SgdConfig::build(std::vector<Parameter> parameters) const {
  if (nesterov && momentum == 0) fail(ErrorKind::usage, "optim.nesterov: needs optim.momentum above 0");
  return std::make_unique<Sgd>(std::move(parameters), momentum, nesterov);
}

}  // namespace smlp
