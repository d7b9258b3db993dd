// Adds up sums [arrays, parts, width] over the parts into out [arrays, width], float or bfloat16.
#include "smlp/kernels/columns.hpp"
#include "smlp/kernels/elements.hpp"

extern "C" __global__ void __launch_bounds__(256)
    column_sums(const float* sums, void* out, long long parts, int width, int is_bf16) {
  using namespace smlp;
  __shared__ float groups[sum_groups][sum_columns];
  const int lane = threadIdx.x % sum_columns, group = threadIdx.x / sum_columns;
  const int blocks = (width + sum_columns - 1) / sum_columns, array = blockIdx.x / blocks;
  const int column = blockIdx.x % blocks * sum_columns + lane;
  sums += array * parts * width;
  float sum = 0;
  if (column < width)
    for (long long part = group; part < parts; part += sum_groups) sum += sums[part * width + column];
  groups[group][lane] = sum;
  __syncthreads();
  if (group != 0 || column >= width) return;
  for (int i = 1; i < sum_groups; ++i) sum += groups[i][lane];
  if (is_bf16)
    store(static_cast<unsigned short*>(out) + array * width + column, sum);
  else
    store(static_cast<float*>(out) + array * width + column, sum);
}
