// Backward of GELU (the erf form), and the column sums of its result, which are the gradient of the bias
// before it.
#include "smlp/kernels/columns.hpp"
#include "smlp/kernels/elements.hpp"

namespace smlp {
namespace {

constexpr float root_half = 0.70710678118654752f, density_at_0 = 0.39894228040143268f;

// The derivative of x · Φ(x), Φ the normal distribution.
float gelu_slope(float x, float) {
  return 0.5f * (1 + erff(x * root_half)) + x * density_at_0 * expf(-0.5f * x * x);
}

// To 2e-7, for bfloat16: one exponential serves Φ (Abramowitz and Stegun, 7.1.26) and its density.
float gelu_slope(float x, unsigned short) {
  const float t = __fdividef(1.0f, 1.0f + 0.3275911f * root_half * fabsf(x)), bell = __expf(-0.5f * x * x);
  const float series =
      t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const float tail = 0.5f * series * bell;
  return (x < 0 ? tail : 1 - tail) + x * density_at_0 * bell;
}

template <class Element>
void gelu_part(const Element* gradient, const Element* input, Element* out, float* sums, long long rows,
               long long part_rows, int width) {
  const int column_blocks = (width + columns_a_block - 1) / columns_a_block;
  const long long part = blockIdx.x / column_blocks;
  const int column =
      static_cast<int>(blockIdx.x % column_blocks) * columns_a_block + columns_a_thread * threadIdx.x;
  if (column >= width) return;
  float sum[8] = {};
  const long long first = part * part_rows, end = first + part_rows < rows ? first + part_rows : rows;
#pragma unroll 2
  for (long long row = first; row < end; ++row) {
    const long long at = row * width + column;
    float g[8], x[8];
    load8(gradient + at, g);
    load8(input + at, x);
    for (int k = 0; k < 8; ++k) {
      g[k] *= gelu_slope(x[k], Element{});
      sum[k] += g[k];
    }
    store8(out + at, g);
  }
  store8(sums + part * width + column, sum);
}

}  // namespace
}  // namespace smlp

// All [rows, width], width a multiple of 8; sums [parts, width].
extern "C" __global__ void __launch_bounds__(128)
    gelu_backward(const void* gradient, const void* input, void* out, float* sums, long long rows,
                  long long part_rows, int width, int is_bf16) {
  if (is_bf16)
    smlp::gelu_part(static_cast<const unsigned short*>(gradient), static_cast<const unsigned short*>(input),
                    static_cast<unsigned short*>(out), sums, rows, part_rows, width);
  else
    smlp::gelu_part(static_cast<const float*>(gradient), static_cast<const float*>(input),
                    static_cast<float*>(out), sums, rows, part_rows, width);
}
