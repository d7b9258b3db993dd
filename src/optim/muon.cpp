#include "smlp/optim/muon.hpp"

#include <algorithm>
#include <cmath>

#include "lists.hpp"
#include "smlp/device/capability.hpp"
#include "smlp/optim/adamw.hpp"

namespace smlp {

namespace {

bool is_muons(const Parameter& parameter) {
  return parameter.role == Role::hidden && parameter.value.dim() == 2;
}

// beta · c + alpha · a·b of bfloat16 matrices, summed in float32. A processor without instructions for that
// is tens of times faster at float32 copies, once they are worth making.
torch::Tensor addmm(const torch::Tensor& c, const torch::Tensor& a, const torch::Tensor& b, double beta,
                    double alpha = 1) {
  constexpr std::int64_t few_products = 1 << 16;
  if (!a.is_cpu() || cpu_capability().fast_bf16() || a.numel() * b.size(1) < few_products)
    return torch::addmm(c, a, b, beta, alpha);
  const auto wide = [](const torch::Tensor& narrow) { return narrow.to(torch::kFloat32); };
  return torch::addmm(wide(c), wide(a), wide(b), beta, alpha).to(torch::kBFloat16);
}

// U·S'·Vᵀ of the singular value decomposition U·S·Vᵀ, S' between about 0.5 and 1.5.
torch::Tensor orthogonalized(const torch::Tensor& matrix) {
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315, least_norm = 1e-7;
  const bool tall = matrix.size(0) > matrix.size(1);
  torch::Tensor x = matrix.to(torch::kBFloat16);
  if (tall) x = x.t();
  x = x / x.norm().clamp_min(least_norm);
  for (int step = 0; step < 5; ++step) {
    const torch::Tensor gram = addmm(torch::zeros({x.size(0), x.size(0)}, x.options()), x, x.t(), 0);
    x = addmm(x, addmm(gram, gram, gram, b, c), x, a);
  }
  return tall ? x.t() : x;
}

class Muon : public Optimizer {
 public:
  Muon(std::vector<Parameter> parameters, const MuonConfig& config) : Optimizer(std::move(parameters)) {
    AdamWConfig adamw;
    adamw.betas = config.betas;
    adamw.eps = config.eps;
    std::vector<Parameter> others;
    for (const Parameter& each : parameters_) (is_muons(each) ? matrices_ : others).push_back(each);
    others_ = adamw.build(std::move(others));
    buffers_ = zeros_like(values(matrices_));
    momentum_ = config.momentum;
    nesterov_ = config.nesterov;
    adjust_ = config.adjust_lr_fn;
  }

  void step(const StepInputs& inputs) override;
  OptimizerState state() const override;

 private:
  double adjusted_rate(const Parameter& matrix) const;

  std::vector<Parameter> matrices_;
  std::vector<torch::Tensor> buffers_;
  std::unique_ptr<Optimizer> others_;
  double momentum_;
  bool nesterov_;
  MuonConfig::Adjust adjust_;
};

double Muon::adjusted_rate(const Parameter& matrix) const {
  const auto rows = static_cast<double>(matrix.value.size(0)),
             columns = static_cast<double>(matrix.value.size(1));
  if (adjust_ == MuonConfig::Adjust::original) return matrix.lr * std::sqrt(std::max(1.0, rows / columns));
  return matrix.lr * 0.2 * std::sqrt(std::max(rows, columns));
}

void Muon::step(const StepInputs& inputs) {
  torch::NoGradGuard no_grad;
  others_->step(inputs);
  const torch::Tensor bad = inputs.bad.ne(0);
  const std::vector<torch::Tensor> found = gradients(matrices_);
  for (std::size_t i = 0; i < matrices_.size(); ++i) {
    if (!found[i].defined() || found[i].numel() == 0) continue;
    const Parameter& matrix = matrices_[i];
    torch::Tensor value = matrix.value;
    const torch::Tensor gradient = found[i] * inputs.clip_factor;
    const torch::Tensor buffer = buffers_[i].lerp(gradient, 1 - momentum_);
    const torch::Tensor update = orthogonalized(nesterov_ ? gradient.lerp(buffer, momentum_) : buffer);
    const torch::Tensor kept = value * (1 - inputs.lr_factor * (matrix.lr * matrix.weight_decay));
    const torch::Tensor moved =
        kept - update.to(torch::kFloat32) * (inputs.lr_factor * adjusted_rate(matrix));
    value.copy_(torch::where(bad, value, moved));
    buffers_[i].copy_(torch::where(bad, buffers_[i], buffer));
  }
}

OptimizerState Muon::state() const {
  OptimizerState state = others_->state();
  for (std::size_t i = 0; i < matrices_.size(); ++i)
    state[matrices_[i].name] = {{"momentum_buffer", buffers_[i]}};
  return state;
}

}  // namespace

void MuonConfig::fields(FieldVisitor& v) {
  common_fields(v);
  const Bounds decay{.min = 0, .max = 1, .max_open = true};
  v.field("momentum", momentum, "decay of the average of a matrix's gradient", decay);
  v.field("nesterov", nesterov, "step by the average as it will be with the same gradient once more");
  v.choice(
      "adjust_lr_fn", adjust_lr_fn,
      {{"original", Adjust::original}, {"match_rms_adamw", Adjust::match_rms_adamw}},
      "a matrix's rate by its size: times sqrt(max(1, rows / columns)), or 0.2 sqrt(max(rows, columns))");
  v.field("betas", betas, "of AdamW, which trains what is no matrix between input layer and head", decay);
  v.field("eps", eps, "of AdamW", Bounds{.min = 0, .max = 1, .min_open = true});
}

double MuonConfig::width_rate(Role role, double multiplier) const {
  if (role != Role::hidden) return OptimizerConfig::width_rate(role, multiplier);
  return adjust_lr_fn == Adjust::original ? 1 : 1 / std::sqrt(multiplier);
}

std::unique_ptr<Optimizer> MuonConfig::build(std::vector<Parameter> parameters) const {
  return std::make_unique<Muon>(std::move(parameters), *this);
}

}  // namespace smlp
