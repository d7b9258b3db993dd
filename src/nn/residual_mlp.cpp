#include "smlp/nn/residual_mlp.hpp"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "residual_passes.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/kernels/columns.hpp"
#include "smlp/kernels/layer_norm.hpp"

namespace smlp {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const ResidualPasses& passes_for(const Tensor& z) {
  return z.is_cuda() ? cuda_passes() : cpu_passes();
}

class ResidualMlp : public torch::autograd::Function<ResidualMlp> {
 public:
  // context: null where there is no backward pass.
  static Tensor forward(AutogradContext* context, const Tensor& z, const Tensor& weight, const Tensor& bias,
                        const Tensor& w1, const Tensor& b1, const Tensor& w2, const Tensor& b2) {
    may_stop_here();
    const ResidualPasses& passes = passes_for(z);
    const auto [normed, mean, rstd] = at::native_layer_norm(z, {z.size(1)}, weight, bias, norm_eps);
    const Hidden hidden = passes.hidden(normed, w1, b1, context != nullptr);
    if (context != nullptr)
      context->save_for_backward({z, weight, mean, rstd, normed, w1, hidden.kept, hidden.values, w2});
    may_stop_here();
    return passes.output(hidden.values, w2, b2, z);
  }

  static variable_list backward(AutogradContext* context, variable_list upstream) {
    may_stop_here();
    const variable_list saved = context->get_saved_variables();
    const Tensor &z = saved[0], &weight = saved[1], &mean = saved[2], &rstd = saved[3], &normed = saved[4],
                 &w1 = saved[5], &kept = saved[6], &hidden = saved[7], &w2 = saved[8];
    const ResidualPasses& passes = passes_for(z);
    const Tensor gradient = upstream[0].contiguous();
    const Tensor w2_gradient = gradient.t().mm(hidden);
    const GeluGradients inner = passes.gelu_gradients(gradient.mm(w2), kept);
    may_stop_here();
    const Tensor w1_gradient = inner.input.t().mm(normed);
    const NormGradients norm = passes.norm_gradients(inner.input.mm(w1), gradient, z, mean, rstd, weight);
    return {norm.input, norm.weight, norm.bias, w1_gradient, inner.bias, w2_gradient, norm.last_bias};
  }
};

Tensor apply(const Tensor& z, const NormLayer& norm, const LinearStack& stack) {
  const torch::nn::Linear &first = stack.linear(0), &second = stack.linear(1);
  if (!torch::GradMode::is_enabled())
    return ResidualMlp::forward(nullptr, z, norm.weight(), norm.bias(), first->weight, first->bias,
                                second->weight, second->bias);
  return ResidualMlp::apply(z, norm.weight(), norm.bias(), first->weight, first->bias, second->weight,
                            second->bias);
}

// Frozen weights are left to autograd, which then neither computes their gradients nor keeps what these need.
bool all_trained(const NormLayer& norm, const LinearStack& stack) {
  if (!torch::GradMode::is_enabled()) return true;
  for (const Tensor& each : {norm.weight(), norm.bias(), stack.linear(0)->weight, stack.linear(0)->bias,
                             stack.linear(1)->weight, stack.linear(1)->bias})
    if (!each.requires_grad()) return false;
  return true;
}

bool fits_cuda(const Tensor& z, const LinearStack& stack) {
  return z.size(1) % warp_columns == 0 && z.size(1) <= layer_norm_largest_width &&
         stack.linear(0)->weight.size(0) % columns_a_thread == 0;
}

bool fits_cpu(const Tensor& z, const NormLayer& norm) {
  return norm.weight().scalar_type() == torch::kFloat32 &&
         (z.scalar_type() == torch::kFloat32 || z.scalar_type() == torch::kBFloat16);
}

bool fits(const Tensor& z, const NormLayer& norm, const LinearStack& stack) {
  return fused_kernels() && z.dim() == 2 && z.numel() > 0 && z.is_contiguous() &&
         norm.kind() == NormKind::layer && stack.is_gelu_pair() &&
         z.scalar_type() == stack.linear(0)->weight.scalar_type() &&
         !at::autocast::is_autocast_enabled(z.device().type()) && all_trained(norm, stack) &&
         (z.is_cuda() ? fits_cuda(z, stack) : z.is_cpu() && fits_cpu(z, norm));
}

}  // namespace

Tensor residual_mlp(const Tensor& z, NormLayer& norm, LinearStack& stack) {
  return fits(z, norm, stack) ? apply(z, norm, stack) : stack.forward(norm.forward(z)) + z;
}

}  // namespace smlp
