#include "smlp/optim/adamw.hpp"

#include "lists.hpp"

namespace smlp {

namespace {

class AdamW : public Optimizer {
 public:
  AdamW(std::vector<Parameter> parameters, std::array<double, 2> betas, double eps)
      : Optimizer(std::move(parameters)),
        betas_(betas),
        eps_(eps),
        values_(values(parameters_)),
        averages_(zeros_like(values_)),
        squares_(zeros_like(values_)),
        groups_(rate_groups(parameters_)) {
    if (!values_.empty()) step_ = torch::zeros({}, values_[0].options().requires_grad(false));
  }

  void step(const StepInputs& inputs) override;
  OptimizerState state() const override;

 private:
  std::array<double, 2> betas_;
  double eps_;
  std::vector<torch::Tensor> values_, averages_, squares_;
  torch::Tensor step_;
  std::vector<RateGroup> groups_;
};

// As in Sgd::step, found_inf = 1 leaves everything as it is; the count is ours to hold back.
void AdamW::step(const StepInputs& inputs) {
  torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> found = gradients(parameters_);
  if (values_.empty()) return;
  step_.add_(1 - inputs.bad);
  const torch::Tensor scale = inputs.clip_factor.reciprocal();
  for (const RateGroup& group : groups_) {
    TensorLists lists(5);
    for (std::size_t i : group.members)
      if (found[i].defined()) lists.add({values_[i], found[i], averages_[i], squares_[i], step_});
    if (lists[0].empty()) continue;
    const auto update = [&](const auto& lr) {
      at::_fused_adamw_(lists[0], lists[1], lists[2], lists[3], /*max_exp_avg_sqs=*/{}, lists[4], lr,
                        betas_[0], betas_[1], group.weight_decay, eps_, /*amsgrad=*/false, /*maximize=*/false,
                        scale, inputs.bad);
    };
    with_learning_rate(group.lr, inputs, update);
  }
}

OptimizerState AdamW::state() const {
  OptimizerState state;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    state[parameters_[i].name] = {{"exp_avg", averages_[i]}, {"exp_avg_sq", squares_[i]}, {"step", step_}};
  return state;
}

}  // namespace

void AdamWConfig::fields(FieldVisitor& v) {
  common_fields(v);
  v.field("betas", betas, "decays of the averages of the gradient and of its square",
          Bounds{.min = 0, .max = 1, .max_open = true});
  v.field("eps", eps, "added to the root of the average square",
          Bounds{.min = 0, .max = 1, .min_open = true});
}

std::unique_ptr<Optimizer> AdamWConfig::build(std::vector<Parameter> parameters) const {
  return std::make_unique<AdamW>(std::move(parameters), betas, eps);
}

}  // namespace smlp
