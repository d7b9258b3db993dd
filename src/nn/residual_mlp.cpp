#include "smlp/nn/residual_mlp.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include "smlp/device/cuda_kernel.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/kernels/columns.hpp"
#include "smlp/kernels/layer_norm.hpp"

namespace smlp {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

int is_bf16(const Tensor& tensor) {
  return tensor.scalar_type() == torch::kBFloat16 ? 1 : 0;
}

Tensor partial_sums(std::int64_t arrays, const Tensor& like) {
  return torch::empty({arrays, row_parts(like.size(0)), like.size(1)}, like.options().dtype(torch::kFloat32));
}

// [arrays, parts, width] → [arrays, width] of like's type.
Tensor column_sums(const Tensor& parts, const Tensor& like) {
  static CudaKernel kernel("column_sums");
  const std::int64_t arrays = parts.size(0), width = parts.size(2);
  const Tensor out = torch::empty({arrays, width}, like.options());
  const std::int64_t blocks = arrays * ((width + sum_columns - 1) / sum_columns);
  kernel.launch(parts.device(), static_cast<unsigned>(blocks), sum_columns * sum_groups,
                parts.const_data_ptr<float>(), out.mutable_data_ptr(), static_cast<long long>(parts.size(1)),
                static_cast<int>(width), is_bf16(like));
  return out;
}

// gradient and input [B, hidden] → the gradient before the GELU, and its sum over the rows.
std::pair<Tensor, Tensor> gelu_gradients(const Tensor& gradient, const Tensor& input) {
  static CudaKernel kernel("gelu_backward");
  const std::int64_t rows = input.size(0), width = input.size(1);
  const Tensor out = torch::empty_like(input), sums = partial_sums(1, input);
  const auto blocks = row_parts(rows) * ((width + columns_a_block - 1) / columns_a_block);
  kernel.launch(input.device(), static_cast<unsigned>(blocks), column_threads, gradient.const_data_ptr(),
                input.const_data_ptr(), out.mutable_data_ptr(), sums.mutable_data_ptr<float>(),
                static_cast<long long>(rows), rows_a_part(rows), static_cast<int>(width), is_bf16(input));
  return {out, column_sums(sums, input)[0]};
}

struct NormGradients {
  Tensor input, weight, bias, last_bias;  // last_bias: of what was added to the branch's result
};

// The gradient of z + branch(layer_norm(z)) from the branch's and its own.
NormGradients norm_gradients(const Tensor& gradient, const Tensor& residual, const Tensor& input,
                             const Tensor& mean, const Tensor& rstd, const Tensor& weight) {
  static CudaKernel kernel("layer_norm_backward");
  const Tensor out = torch::empty_like(input), sums = partial_sums(3, input);
  const std::int64_t rows = input.size(0);
  const LayerNormBackward arguments{.gradient = gradient.const_data_ptr(),
                                    .input = input.const_data_ptr(),
                                    .weight = weight.const_data_ptr(),
                                    .residual = residual.const_data_ptr(),
                                    .out = out.mutable_data_ptr(),
                                    .mean = mean.const_data_ptr<float>(),
                                    .rstd = rstd.const_data_ptr<float>(),
                                    .sums = sums.mutable_data_ptr<float>(),
                                    .rows = rows,
                                    .part_rows = rows_a_part(rows),
                                    .width = static_cast<int>(input.size(1)),
                                    .is_bf16 = is_bf16(input)};
  kernel.launch(input.device(), static_cast<unsigned>(row_parts(rows)), column_threads, arguments);
  const Tensor columns = column_sums(sums, weight);
  return {out, columns[0], columns[1], columns[2]};
}

class ResidualMlp : public torch::autograd::Function<ResidualMlp> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& z, const Tensor& weight, const Tensor& bias,
                        const Tensor& w1, const Tensor& b1, const Tensor& w2, const Tensor& b2) {
    const auto [normed, mean, rstd] = at::native_layer_norm(z, {z.size(1)}, weight, bias, norm_eps);
    const Tensor before = at::addmm(b1, normed, w1.t());
    const Tensor hidden = at::gelu(before);
    context->save_for_backward({z, weight, mean, rstd, normed, w1, before, hidden, w2});
    return at::addmm(b2, hidden, w2.t()).add_(z);
  }

  static variable_list backward(AutogradContext* context, variable_list upstream) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &z = saved[0], &weight = saved[1], &mean = saved[2], &rstd = saved[3], &normed = saved[4],
                 &w1 = saved[5], &before = saved[6], &hidden = saved[7], &w2 = saved[8];
    const Tensor gradient = upstream[0].contiguous();
    const Tensor w2_gradient = gradient.t().mm(hidden);
    const auto [inner, b1_gradient] = gelu_gradients(gradient.mm(w2), before);
    const Tensor w1_gradient = inner.t().mm(normed);
    const NormGradients norm = norm_gradients(inner.mm(w1), gradient, z, mean, rstd, weight);
    return {norm.input, norm.weight, norm.bias, w1_gradient, b1_gradient, w2_gradient, norm.last_bias};
  }
};

// Frozen weights are left to autograd, which then neither computes their gradients nor keeps what these need.
bool all_trained(const NormLayer& norm, const LinearStack& stack) {
  if (!torch::GradMode::is_enabled()) return true;
  for (const Tensor& each : {norm.weight(), norm.bias(), stack.linear(0)->weight, stack.linear(0)->bias,
                             stack.linear(1)->weight, stack.linear(1)->bias})
    if (!each.requires_grad()) return false;
  return true;
}

bool fits(const Tensor& z, const NormLayer& norm, const LinearStack& stack) {
  return fused_kernels() && z.is_cuda() && z.dim() == 2 && z.is_contiguous() &&
         norm.kind() == NormKind::layer && stack.is_gelu_pair() && z.size(1) % warp_columns == 0 &&
         z.size(1) <= layer_norm_largest_width && stack.linear(0)->weight.size(0) % columns_a_thread == 0 &&
         z.scalar_type() == stack.linear(0)->weight.scalar_type() && all_trained(norm, stack);
}

}  // namespace

Tensor residual_mlp(const Tensor& z, NormLayer& norm, LinearStack& stack) {
  if (!fits(z, norm, stack)) return stack.forward(norm.forward(z)) + z;
  const torch::nn::Linear &first = stack.linear(0), &second = stack.linear(1);
  return ResidualMlp::apply(z, norm.weight(), norm.bias(), first->weight, first->bias, second->weight,
                            second->bias);
}

}  // namespace smlp
