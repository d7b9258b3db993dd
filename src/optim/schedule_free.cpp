#include "smlp/optim/schedule_free.hpp"

#include "lists.hpp"

namespace smlp {

namespace {

class ScheduleFree : public Optimizer {
 public:
  ScheduleFree(std::vector<Parameter> parameters, const ScheduleFreeConfig& config)
      : Optimizer(std::move(parameters)),
        betas_(config.betas),
        eps_(config.eps),
        values_(values(parameters_)),
        squares_(zeros_like(values_)) {
    if (values_.empty()) return;
    for (const torch::Tensor& value : values_) leading_.push_back(value.detach().clone());
    step_ = torch::zeros({}, values_[0].options().requires_grad(false));
    lr_max_ = torch::zeros_like(step_);
    weight_sum_ = torch::zeros_like(step_);
  }

  std::vector<torch::Tensor> gradient_points() override;
  void step(const StepInputs& inputs) override;
  OptimizerState state() const override;

 private:
  torch::Tensor point(std::size_t i) const { return values_[i].detach().lerp(leading_[i], 1 - betas_[0]); }

  const std::array<double, 2> betas_;
  const double eps_;
  std::vector<torch::Tensor> values_, leading_, squares_;  // x, z
  torch::Tensor step_, lr_max_, weight_sum_;
};

std::vector<torch::Tensor> ScheduleFree::gradient_points() {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> points;
  for (std::size_t i = 0; i < values_.size(); ++i) points.push_back(point(i));
  return points;
}

void ScheduleFree::step(const StepInputs& inputs) {
  const torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> found = gradients(parameters_);
  if (values_.empty()) return;
  const torch::Tensor bad = inputs.bad.ne(0), good = 1 - inputs.bad;
  step_.add_(good);
  torch::maximum_out(lr_max_, lr_max_, inputs.lr_factor * good);
  weight_sum_.addcmul_(lr_max_.square(), good);
  const torch::Tensor share = (lr_max_.square() / weight_sum_).nan_to_num_(0);
  const torch::Tensor correction = 1 - torch::pow(betas_[1], step_);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (!found[i].defined()) continue;
    const Parameter& parameter = parameters_[i];
    torch::Tensor &value = values_[i], &leading = leading_[i], &square = squares_[i];
    const torch::Tensor gradient = found[i] * inputs.clip_factor;
    const torch::Tensor squares = square.lerp(gradient.square(), 1 - betas_[1]);
    torch::Tensor update = gradient / (squares / correction).sqrt_().add_(eps_);
    if (parameter.weight_decay != 0) update.add_(point(i), parameter.weight_decay);
    const torch::Tensor next = leading - update * (inputs.lr_factor * parameter.lr);
    torch::where_out(square, bad, square, squares);
    torch::where_out(leading, bad, leading, next);
    torch::Tensor x = value.detach();
    torch::where_out(x, bad, x, x.lerp(leading, share));
  }
}

OptimizerState ScheduleFree::state() const {
  OptimizerState state;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    state[parameters_[i].name] = {{"z", leading_[i]},
                                  {"exp_avg_sq", squares_[i]},
                                  {"step", step_},
                                  {"lr_max", lr_max_},
                                  {"weight_sum", weight_sum_}};
  return state;
}

}  // namespace

void ScheduleFreeConfig::fields(FieldVisitor& v) {
  common_fields(v);
  v.field("betas", betas,
          "how near to the average gradients are taken; decay of the average of their squares",
          Bounds{.min = 0, .max = 1, .max_open = true});
  v.field("eps", eps, "added to the root of the average square",
          Bounds{.min = 0, .max = 1, .min_open = true});
}

std::unique_ptr<Optimizer> ScheduleFreeConfig::build(std::vector<Parameter> parameters) const {
  return std::make_unique<ScheduleFree>(std::move(parameters), *this);
}

}  // namespace smlp
