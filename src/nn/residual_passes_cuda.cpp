#include <ATen/ATen.h>

#include "residual_passes.hpp"
#include "smlp/device/cuda_kernel.hpp"
#include "smlp/kernels/columns.hpp"
#include "smlp/kernels/layer_norm.hpp"

namespace smlp {
namespace {

using at::Tensor;

int is_bf16(const Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 ? 1 : 0;
}

Tensor partial_sums(std::int64_t arrays, const Tensor& like) {
  return at::empty({arrays, row_parts(like.size(0)), like.size(1)}, like.options().dtype(at::kFloat));
}

// [arrays, parts, width] → [arrays, width] of like's type.
Tensor column_sums(const Tensor& parts, const Tensor& like) {
  static CudaKernel kernel("column_sums");
  const std::int64_t arrays = parts.size(0), width = parts.size(2);
  const Tensor out = at::empty({arrays, width}, like.options());
  const std::int64_t blocks = arrays * ((width + sum_columns - 1) / sum_columns);
  kernel.launch(parts.device(), static_cast<unsigned>(blocks), sum_columns * sum_groups,
                parts.const_data_ptr<float>(), out.mutable_data_ptr(), static_cast<long long>(parts.size(1)),
                static_cast<int>(width), is_bf16(like));
  return out;
}

class CudaPasses : public ResidualPasses {
 public:
  Hidden hidden(const Tensor& x, const Tensor& w1, const Tensor& b1, bool) const override {
    const Tensor before = at::addmm(b1, x, w1.t());
    return {.values = at::gelu(before), .kept = before};
  }

  Tensor output(const Tensor& hidden, const Tensor& w2, const Tensor& b2, const Tensor& z) const override {
    return at::addmm(b2, hidden, w2.t()).add_(z);
  }

  GeluGradients gelu_gradients(const Tensor& gradient, const Tensor& kept) const override {
    static CudaKernel kernel("gelu_backward");
    const std::int64_t rows = kept.size(0), width = kept.size(1);
    const Tensor out = at::empty_like(kept), sums = partial_sums(1, kept);
    const auto blocks = row_parts(rows) * ((width + columns_a_block - 1) / columns_a_block);
    kernel.launch(kept.device(), static_cast<unsigned>(blocks), column_threads, gradient.const_data_ptr(),
                  kept.const_data_ptr(), out.mutable_data_ptr(), sums.mutable_data_ptr<float>(),
                  static_cast<long long>(rows), rows_a_part(rows), static_cast<int>(width), is_bf16(kept));
    return {.input = out, .bias = column_sums(sums, kept)[0]};
  }

  NormGradients norm_gradients(const Tensor& gradient, const Tensor& residual, const Tensor& z,
                               const Tensor& mean, const Tensor& rstd, const Tensor& weight) const override {
    static CudaKernel kernel("layer_norm_backward");
    const Tensor out = at::empty_like(z), sums = partial_sums(3, z);
    const std::int64_t rows = z.size(0);
    const LayerNormBackward arguments{.gradient = gradient.const_data_ptr(),
                                      .input = z.const_data_ptr(),
                                      .weight = weight.const_data_ptr(),
                                      .residual = residual.const_data_ptr(),
                                      .out = out.mutable_data_ptr(),
                                      .mean = mean.const_data_ptr<float>(),
                                      .rstd = rstd.const_data_ptr<float>(),
                                      .sums = sums.mutable_data_ptr<float>(),
                                      .rows = rows,
                                      .part_rows = rows_a_part(rows),
                                      .width = static_cast<int>(z.size(1)),
                                      .is_bf16 = is_bf16(z)};
    kernel.launch(z.device(), static_cast<unsigned>(row_parts(rows)), column_threads, arguments);
    const Tensor columns = column_sums(sums, weight);
    return {.input = out, .weight = columns[0], .bias = columns[1], .last_bias = columns[2]};
  }
};

}  // namespace

const ResidualPasses& cuda_passes() {
  static const CudaPasses passes;
  return passes;
}

}  // namespace smlp
