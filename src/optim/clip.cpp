#include "smlp/optim/clip.hpp"

#include <array>
#include <cmath>
#include <numeric>

#include "smlp/device/vector_code.hpp"
#include "smlp/optim/flat_range.hpp"

namespace smlp {

namespace {

template <class Value>
[[gnu::always_inline]] inline double square(Value x) {
  return static_cast<double>(static_cast<float>(x)) * static_cast<double>(static_cast<float>(x));
}

// Several running sums, so that the loop needs no reordering of additions to run on vector registers.
template <class Value>
struct SquaresLoop {
  [[gnu::always_inline]] static inline void run(const Value* x, std::int64_t n, double* sum) {
    constexpr std::int64_t lanes = 16;
    std::array<double, lanes> sums{};
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
      for (std::int64_t lane = 0; lane < lanes; ++lane) sums[lane] += square(x[i + lane]);
    for (; i < n; ++i) sums[0] += square(x[i]);
    for (const double each : sums) *sum += each;
  }
};

torch::Tensor cpu_norm(std::vector<torch::Tensor> gradients) {
  for (torch::Tensor& gradient : gradients) {
    if (gradient.scalar_type() != torch::kBFloat16) gradient = gradient.to(torch::kFloat32);
    gradient = gradient.contiguous();
  }
  const FlatRange range(gradients);
  std::vector<double> sums(static_cast<std::size_t>(range.chunks()));
  range.for_each_piece([&](const FlatRange::Piece& piece) {
    const torch::Tensor& gradient = gradients[piece.tensor];
    if (gradient.scalar_type() == torch::kBFloat16)
      run_vectorized<SquaresLoop<c10::BFloat16>>(gradient.const_data_ptr<c10::BFloat16>() + piece.first,
                                                 piece.count, &sums[piece.chunk]);
    else
      run_vectorized<SquaresLoop<float>>(gradient.const_data_ptr<float>() + piece.first, piece.count,
                                         &sums[piece.chunk]);
  });
  const double norm = std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
  return torch::full({}, static_cast<float>(norm), torch::kFloat32);
}

}  // namespace

torch::Tensor global_grad_norm(const std::vector<Parameter>& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const Parameter& parameter : parameters)
    if (const torch::Tensor& gradient = parameter.value.grad(); gradient.defined())
      gradients.push_back(gradient);
  if (gradients.empty()) {
    const auto options = torch::TensorOptions(torch::kFloat32);
    return torch::zeros({}, parameters.empty() ? options : options.device(parameters[0].value.device()));
  }
  if (gradients[0].is_cpu()) return cpu_norm(std::move(gradients));
  torch::NoGradGuard no_grad;
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2, torch::kFloat32)));
}

StepInputs step_inputs(const torch::Tensor& loss, const torch::Tensor& norm, double clip_norm,
                       const torch::Tensor& lr_factor) {
  torch::NoGradGuard no_grad;
  StepInputs inputs;
  inputs.lr_factor = lr_factor;
  inputs.clip_factor = clip_norm > 0 ? at::reciprocal(norm + 1e-6).mul_(clip_norm).clamp_max_(1.0)
                                     : torch::ones({}, norm.options());
  // x − x is 0 for a finite x, NaN for every other.
  inputs.bad = ((loss - loss) + (norm - norm)).ne_(0);
  return inputs;
}

}  // namespace smlp
