// Backward of layer norm with the residual's gradient added, and partial column sums: the gradients of weight
// and bias, and the residual's, which is the gradient of the bias that was added last. A block takes a part
// of the rows, each of its warps every fourth of them.
#include "smlp/kernels/columns.hpp"
#include "smlp/kernels/elements.hpp"
#include "smlp/kernels/layer_norm.hpp"

namespace smlp {

namespace {

using Sums = float[3][layer_norm_largest_width];

float warp_sum(float x) {
  for (int half = 16; half > 0; half /= 2) x += __shfl_xor_sync(0xffffffffu, x, half);
  return x;
}

// chunks: width / 256, the eight-column groups of a lane.
template <class Element, int chunks>
void layer_norm_part(const LayerNormBackward& a, Sums& all) {
  constexpr int warps = column_threads / 32;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const long long part = blockIdx.x;
  const int width = chunks * warp_columns;
  float column_sum[3][chunks][8] = {};
  const long long first = part * a.part_rows,
                  end = first + a.part_rows < a.rows ? first + a.part_rows : a.rows;
  for (long long row = first + warp; row < end; row += warps) {
    const long long at = row * width + columns_a_thread * lane;
    const float mean = a.mean[row], rstd = a.rstd[row];
    float g[chunks][8], x[chunks][8], sum = 0, product = 0;
    for (int c = 0; c < chunks; ++c) {
      float weight[8];
      load8(static_cast<const Element*>(a.gradient) + at + c * warp_columns, g[c]);
      load8(static_cast<const Element*>(a.input) + at + c * warp_columns, x[c]);
      load8(static_cast<const Element*>(a.weight) + columns_a_thread * lane + c * warp_columns, weight);
      for (int k = 0; k < 8; ++k) {
        x[c][k] = (x[c][k] - mean) * rstd;
        column_sum[1][c][k] += g[c][k];
        column_sum[0][c][k] += g[c][k] * x[c][k];
        g[c][k] *= weight[k];
        sum += g[c][k];
        product += g[c][k] * x[c][k];
      }
    }
    sum = warp_sum(sum) / width;
    product = warp_sum(product) / width;
    for (int c = 0; c < chunks; ++c) {
      float residual[8];
      load8(static_cast<const Element*>(a.residual) + at + c * warp_columns, residual);
      for (int k = 0; k < 8; ++k) {
        g[c][k] = residual[k] + rstd * (g[c][k] - sum - x[c][k] * product);
        column_sum[2][c][k] += residual[k];
      }
      store8(static_cast<Element*>(a.out) + at + c * warp_columns, g[c]);
    }
  }
  for (int turn = 0; turn < warps; ++turn) {  // one after the other: the same order of additions every time
    if (warp == turn)
      for (int s = 0; s < 3; ++s)
        for (int c = 0; c < chunks; ++c)
          for (int k = 0; k < 8; ++k) {
            const int column = c * warp_columns + columns_a_thread * lane + k;
            all[s][column] = column_sum[s][c][k] + (turn > 0 ? all[s][column] : 0);
          }
    __syncthreads();
  }
  for (int s = 0; s < 3; ++s)
    for (int column = threadIdx.x; column < width; column += column_threads)
      a.sums[(s * static_cast<long long>(gridDim.x) + part) * width + column] = all[s][column];
}

template <class Element>
void layer_norm_part(const LayerNormBackward& a, Sums& all) {
  switch (a.width / warp_columns) {
    case 1:
      return layer_norm_part<Element, 1>(a, all);
    case 2:
      return layer_norm_part<Element, 2>(a, all);
    case 3:
      return layer_norm_part<Element, 3>(a, all);
    case 4:
      return layer_norm_part<Element, 4>(a, all);
  }
}

}  // namespace
}  // namespace smlp

extern "C" __global__ void __launch_bounds__(128)
    layer_norm_backward(const smlp::LayerNormBackward arguments) {
  __shared__ smlp::Sums all;
  if (arguments.is_bf16)
    smlp::layer_norm_part<unsigned short>(arguments, all);
  else
    smlp::layer_norm_part<float>(arguments, all);
}
